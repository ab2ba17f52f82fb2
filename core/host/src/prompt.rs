//! Questions to the person: asked on standard error, answered on standard input, which may as
//! well be a pipe.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use zeroize::Zeroizing;

use crate::words::shown;

/// No code, name or number is longer.
const LONGEST: u64 = 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PromptError {
    /// Standard input has ended.
    #[error("standard input ended where {asked} was asked for; type it, or pipe in one line for each question")]
    End {
        /// What was asked for.
        asked: &'static str,
    },
    /// A line that is no answer.
    #[error("the line that answers for {asked} is longer than {LONGEST} bytes; give one answer a line")]
    TooLong {
        /// What was asked for.
        asked: &'static str,
    },
    /// Terminal or pipe broke.
    #[error("{asked} cannot be asked for: {cause}")]
    Broken {
        /// What was asked for.
        asked: &'static str,
        /// What the system says.
        cause: io::Error,
    },
}

/// Asks, and takes one line without its end. `asked` is what is wanted, for errors: "the code".
pub(crate) fn ask(question: &str, asked: &'static str) -> Result<Zeroizing<String>, PromptError> {
    let stdin = io::stdin();
    let is_terminal = stdin.is_terminal();
    ask_on(&mut stdin.lock(), is_terminal, &mut io::stderr().lock(), question, asked)
}

/// Tells something on the way to an answer, on standard error.
pub(crate) fn tell(text: &str) {
    // Where nobody can be told, the answer will say all the same how it ended.
    let _ = writeln!(io::stderr().lock(), "{}", shown(text));
}

fn ask_on(
    input: &mut impl BufRead,
    is_terminal: bool,
    output: &mut impl Write,
    question: &str,
    asked: &'static str,
) -> Result<Zeroizing<String>, PromptError> {
    let broken = |cause| PromptError::Broken { asked, cause };
    write!(output, "{question} ").and_then(|()| output.flush()).map_err(broken)?;
    let line = read_line(input, asked);
    // A terminal shows the end of a line that was typed; of a pipe, or at the end, nothing was.
    let is_shown = is_terminal && line.as_ref().is_ok_and(|line| line.ends_with('\n'));
    if !is_shown {
        writeln!(output).map_err(broken)?;
    }
    line.map(without_end)
}

/// One line, with its end if it has one.
fn read_line(input: &mut impl BufRead, asked: &'static str) -> Result<Zeroizing<String>, PromptError> {
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST as usize + 1));
    let read = input.take(LONGEST + 1).read_until(b'\n', &mut line);
    match read.map_err(|cause| PromptError::Broken { asked, cause })? {
        0 => return Err(PromptError::End { asked }),
        read if read as u64 > LONGEST => return Err(PromptError::TooLong { asked }),
        _ => {}
    }
    // What is no text is no code either; it is judged as one, and refused.
    Ok(Zeroizing::new(String::from_utf8_lossy(&line).into_owned()))
}

fn without_end(mut line: Zeroizing<String>) -> Zeroizing<String> {
    let length = line.trim_end_matches(['\n', '\r']).len();
    line.truncate(length);
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(input: &[u8], expected: &[&str]) {
        let mut input = input;
        let ask = || ask_on(&mut input, false, &mut Vec::new(), "Code:", "the code").ok();
        let answers: Vec<_> = std::iter::from_fn(ask).collect();
        assert_eq!(answers.iter().map(|answer| answer.as_str()).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn each_question_takes_one_line() {
        check(b"123456\n000000\n", &["123456", "000000"]);
        check(b"123456\r\n\r\nlast without end", &["123456", "", "last without end"]);
        check(b"\xff\n", &["\u{fffd}"]);
        check(b"", &[]);
    }

    /// What is on the screen after a question; what a terminal shows of typing is not.
    #[track_caller]
    fn check_screen(is_terminal: bool, input: &[u8], expected: &str) {
        let (mut input, mut screen) = (input, Vec::new());
        let _ = ask_on(&mut input, is_terminal, &mut screen, "Code:", "the code");
        assert_eq!(String::from_utf8(screen).unwrap(), expected);
    }

    #[test]
    fn whatever_follows_a_question_begins_a_line() {
        check_screen(true, b"123456\n", "Code: ");
        check_screen(true, b"", "Code: \n");
        check_screen(true, b"123", "Code: \n");
        check_screen(true, &[b'7'; 4096], "Code: \n");
        check_screen(false, b"123456\n", "Code: \n");
        check_screen(false, b"", "Code: \n");
    }

    #[test]
    fn an_endless_line_is_refused() {
        let long = [b'7'; 4096];
        assert!(matches!(read_line(&mut long.as_slice(), "the code"), Err(PromptError::TooLong { .. })));
    }
}
