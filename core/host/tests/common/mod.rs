//! What the tests of the built program share: a site in a folder of its own, and the program run in it.

#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

pub(crate) mod app;
pub(crate) mod verify;

use std::collections::BTreeMap;
use std::fs;
use std::future::Future;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");

/// The file of a plugin that cargo built beside the program.
pub(crate) fn plugin_file(name: &str) -> PathBuf {
    Path::new(PROGRAM).parent().unwrap().join("deps").join(format!("lib{name}.so"))
}

/// A folder with a bootstrap.
pub(crate) struct Site {
    folder: TempDir,
}

/// How a run of the program ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Site {
    /// An empty folder.
    pub(crate) fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A folder with this bootstrap.
    pub(crate) fn with(bootstrap: &str) -> Self {
        let site = Self::empty();
        site.write("countersign.toml", bootstrap);
        site
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Writes a file that only its owner may read.
    pub(crate) fn secret(&self, name: &str, content: &str) {
        let path = self.write(name, content);
        #[cfg(unix)]
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }

    /// The program in this folder, with nothing of the environment that could matter.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).current_dir(self.folder.path());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("COUNTERSIGN_") {
                command.env_remove(name);
            }
        }
        command
    }

    /// Runs the program with these lines as its standard input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &str) -> Ran {
        finish(self.command(arguments), input)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, "")
    }

    /// Lets as much time pass as the limits of sending ask for: forgets what was sent to whom.
    pub(crate) fn let_cool_down(&self) {
        assert!(self.let_cool_down_if_any() > 0, "something was sent");
    }

    /// The same, where perhaps nothing was sent. Returns to how many recipients it was.
    pub(crate) fn let_cool_down_if_any(&self) -> usize {
        let path = self.path("countersign.sqlite");
        if !path.exists() {
            return 0;
        }
        rusqlite::Connection::open(path).unwrap().execute("DELETE FROM sends", []).unwrap()
    }

    /// Every file below the folder, with its bytes.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.insert(path.clone(), fs::read(&path).unwrap());
                }
            }
        }
        files
    }

    /// Runs what must be refused with this code, these words and no change of any file.
    #[track_caller]
    pub(crate) fn refused(&self, arguments: &[&str], code: i32, words: &[&str]) -> Ran {
        let before = self.files();
        let ran = self.run(arguments);
        assert_eq!(ran.code, Some(code), "{ran:?}");
        for word in words {
            assert!(ran.stderr.contains(word), "{word:?} is not in {ran:#?}");
        }
        assert!(ran.stderr.lines().all(|line| line.starts_with("error: ")), "{ran:#?}");
        assert_eq!(ran.stdout, "");
        assert!(before == self.files(), "files were changed by {arguments:?}");
        ran
    }

    /// Runs what must succeed, and gives its standard output.
    #[track_caller]
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, Some(0), "{arguments:?}: {ran:#?}");
        ran.stdout
    }

    /// Runs with `--json` and gives the one document.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let ran = self.run(&[arguments, &["--json"]].concat());
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:#?}"))
    }
}

/// Runs a command with this input.
pub(crate) fn finish(mut command: Command, input: &str) -> Ran {
    let mut child = piped(&mut command);
    // It may end without reading everything.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    ran(child.wait_with_output().unwrap())
}

/// Starts a command with all its streams piped.
pub(crate) fn piped(command: &mut Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

pub(crate) fn ran(output: Output) -> Ran {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Copies a file, creating the folder that it goes to.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::copy(from, to).unwrap();
}

/// Whether the bytes hold these, in whatever place.
pub(crate) fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|part| part == wanted)
}

/// The document in a line of JSON.
#[track_caller]
pub(crate) fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
}

/// Waits for a double on loopback; it has threads of its own.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}
