//! `--report KIND=FILE`: what a run found, in files.

use std::fmt;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Instant;

use countersign_harness::report::{self, Masked, Report, ReportCase, ReportPlugin};
use tempfile::NamedTempFile;
use thiserror::Error;

/// A form and the file in which it is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReportTarget {
    kind: ReportKind,
    path: PathBuf,
}

/// The forms that a report has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReportKind {
    Junit,
    Html,
    Json,
}

impl ReportKind {
    const NAMED: [(Self, &str); 3] = [(Self::Junit, "junit"), (Self::Html, "html"), (Self::Json, "json")];
}

impl fmt::Display for ReportKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = Self::NAMED.iter().find(|(kind, _)| kind == self);
        f.write_str(named.map_or("", |(_, name)| name))
    }
}

/// A report that is being made.
pub(super) struct Gathered {
    report: Report,
    since: Instant,
}

/// Why a value of `--report` means nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum TargetError {
    /// There is no `=`.
    #[error("`{found}` is no KIND=FILE; write for example junit=report.xml")]
    NotAPair {
        /// What stands there.
        found: String,
    },
    /// The kind is none.
    #[error("there is no report of kind `{found}`; the kinds are junit, html, json")]
    UnknownKind {
        /// What stands there.
        found: String,
    },
    /// Nothing after the `=`.
    #[error("{kind}= names no file")]
    NoFile {
        /// The kind.
        kind: String,
    },
}

/// Why a report was not written.
#[derive(Debug, Error)]
pub(super) enum ReportError {
    /// The folder, or the disk, does not let it.
    #[error("{}: the report cannot be written there ({cause}); name a file in a folder that exists and may be written to", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// A folder, a device or a pipe: it would be replaced.
    #[error("{}: the report would replace what is no regular file; name another", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// Two reports in one file.
    #[error("{}: two reports would be written there; name two files", path.display())]
    Twice {
        /// The file.
        path: PathBuf,
    },
}

impl FromStr for ReportTarget {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let Some((name, path)) = text.split_once('=') else {
            return Err(TargetError::NotAPair { found: text.to_owned() });
        };
        let Some((kind, _)) = ReportKind::NAMED.iter().find(|(_, known)| *known == name) else {
            return Err(TargetError::UnknownKind { found: name.to_owned() });
        };
        if path.is_empty() {
            return Err(TargetError::NoFile { kind: name.to_owned() });
        }
        Ok(Self { kind: *kind, path: path.into() })
    }
}

impl Gathered {
    /// A report of a run that begins now, where any is wanted.
    pub(super) fn wanted(targets: &[ReportTarget], title: &str) -> Option<Self> {
        let report = || Report::new(Masked::known(title), env!("CARGO_PKG_VERSION"), jiff::Timestamp::now());
        (!targets.is_empty()).then(|| Self { report: report(), since: Instant::now() })
    }

    /// What decides over everything random.
    pub(super) fn seed(&mut self, seed: u64) {
        self.report.seed = Some(seed);
    }

    /// One more case of this suite.
    pub(super) fn push(&mut self, (suite, case): (Masked, ReportCase)) {
        self.report.push(&suite, case);
    }

    /// The report, now that all is done.
    pub(super) fn end(mut self, plugins: impl IntoIterator<Item = ReportPlugin>) -> Report {
        self.report.plugins = plugins.into_iter().collect();
        self.report.took = self.since.elapsed();
        self.report
    }
}

/// Makes sure that the files can be written, before anything is run. It leaves nothing behind.
///
/// # Errors
/// [`ReportError`] for the first that cannot.
pub(super) fn check(targets: &[ReportTarget]) -> Result<(), ReportError> {
    let mut seen: Vec<PathBuf> = Vec::new();
    for target in targets {
        let file = destination(&target.path)?;
        drop(draft(&target.path, &file)?);
        if seen.contains(&file) {
            return Err(ReportError::Twice { path: target.path.clone() });
        }
        seen.push(file);
    }
    Ok(())
}

/// Writes a report into all files, each whole or not at all.
///
/// # Errors
/// [`ReportError`] for the first that cannot be written; those before it are there.
pub(super) fn write(targets: &[ReportTarget], report: &Report) -> Result<(), ReportError> {
    for target in targets {
        let unwritable = |cause| ReportError::Unwritable { path: target.path.clone(), cause };
        let file = destination(&target.path)?;
        let draft = draft(&target.path, &file)?;
        let mut out = BufWriter::new(draft.as_file());
        match target.kind {
            ReportKind::Junit => report::junit(report, &mut out),
            ReportKind::Html => report::html(report, &mut out),
            ReportKind::Json => report::json(report, &mut out),
        }
        .and_then(|()| out.flush())
        .map_err(unwritable)?;
        drop(out);
        draft.persist(&file).map_err(|error| unwritable(error.error))?;
    }
    Ok(())
}

/// The file itself, where the path is a link to it: a link is not to be replaced.
fn destination(path: &Path) -> Result<PathBuf, ReportError> {
    let unwritable = |cause| ReportError::Unwritable { path: path.to_owned(), cause };
    match fs::metadata(path) {
        Ok(there) if !there.is_file() => Err(ReportError::NotAFile { path: path.to_owned() }),
        Ok(_) => fs::canonicalize(path).map_err(unwritable),
        Err(_) => {
            let folder =
                path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
            let name = path.file_name().ok_or_else(|| ReportError::NotAFile { path: path.to_owned() })?;
            Ok(fs::canonicalize(folder).map_err(unwritable)?.join(name))
        }
    }
}

/// An empty file beside the one that is wanted.
fn draft(path: &Path, file: &Path) -> Result<NamedTempFile, ReportError> {
    let folder = file.parent().unwrap_or_else(|| Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".countersign-report-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // As any other output: nothing in a report is for one reader alone.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder).map_err(|cause| ReportError::Unwritable { path: path.to_owned(), cause })
}
