//! The one error type: what happened, where, and what to do about it.

use std::path::{Path, PathBuf};

use crate::setting::{Failure, Setting};

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a job, a reader or a command stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The user cancelled. Not a failure: nothing was lost.
    #[error("cancelled")]
    Cancelled,

    /// The job leaves the compute thread and goes on later. Not a failure: nothing was lost.
    #[error("interrupted")]
    Interrupted,

    /// Something the user gave cannot be used.
    #[error("{what}. {}. ({place})", capitalised(remedy))]
    Input {
        /// What is wrong, a sentence without its full stop.
        what: String,
        /// File, option or field that holds it.
        place: String,
        /// What the user can do, a sentence without its full stop.
        remedy: String,
    },

    /// The operating system refused to read or write.
    #[error("could not {doing} {}: {source}{}", path.display(), io_hint(source))]
    Io {
        /// A verb, such as `read`, `write`, `create`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's own words.
        source: std::io::Error,
    },

    /// Settings that cannot be used, alone or together. A front door words them: see [`worded`](Self::worded).
    #[error("{}", self.failure())]
    Setting {
        /// What is wrong, a sentence without its full stop.
        what: String,
        /// The settings it is about.
        settings: Vec<Setting>,
        /// The file it is about; empty where there is none.
        place: String,
        /// What the user can do, a sentence without its full stop.
        remedy: String,
    },

    /// A job failed on the compute thread.
    #[error("{0}")]
    Job(Failure),

    /// The compute device ran out of memory; a smaller batch may fit.
    #[error("{}", self.failure())]
    Memory {
        /// Name of the device.
        device: String,
        /// The driver's words.
        what: String,
    },

    /// The compute device failed or does not exist.
    #[error("{device}: {what}. {}", capitalised(remedy))]
    Device {
        /// Name of the device.
        device: String,
        /// What it did.
        what: String,
        /// What the user can do, a sentence without its full stop.
        remedy: String,
    },
}

impl Error {
    /// Input that cannot be used: `what` is wrong, at `place`; the user can do `remedy`.
    pub fn input(what: impl Into<String>, place: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Input { what: what.into(), place: place.into(), remedy: remedy.into() }
    }

    /// Input in a file that cannot be used.
    pub fn file(what: impl Into<String>, path: &Path, remedy: impl Into<String>) -> Self {
        Self::input(what, path.display().to_string(), remedy)
    }

    /// Settings that cannot be used: `what` is wrong; the user can do `remedy`.
    pub fn setting(
        what: impl Into<String>,
        settings: impl IntoIterator<Item = Setting>,
        remedy: impl Into<String>,
    ) -> Self {
        let settings = settings.into_iter().collect();
        Self::Setting { what: what.into(), settings, place: String::new(), remedy: remedy.into() }
    }

    /// The same error about settings, with the file it is about. Other errors stay as they are.
    #[must_use]
    pub fn in_file(mut self, path: &Path) -> Self {
        if let Self::Setting { place, .. } = &mut self {
            *place = path.display().to_string();
        }
        self
    }

    /// The error in plain data, without the system's own objects.
    pub fn failure(&self) -> Failure {
        match self {
            Self::Setting { what, settings, place, remedy } => {
                Failure::new(format!("{what}. {}.", capitalised(remedy)), place.clone(), settings.clone())
            }
            Self::Memory { device, what } => Failure::new(
                format!(
                    "{device} ran out of memory: {what}. Use a smaller batch, close other programs, or choose the CPU as the device."
                ),
                String::new(),
                vec![Setting::Batch, Setting::Device],
            ),
            Self::Job(failure) => failure.clone(),
            other => other.to_string().into(),
        }
    }

    /// The error's sentences, with each setting in the words of a front door: `name` gives an option or a field's label.
    pub fn worded(&self, name: &dyn Fn(Setting) -> String) -> String {
        self.failure().worded(name)
    }

    /// A closure for `map_err` around file operations: `doing` is a verb.
    pub fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }

    /// True where the user cancelled, so that no error is shown.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled)
    }
}

/// A remedy is a sentence of its own, unless it begins with a command.
fn capitalised(text: &str) -> String {
    let mut rest = text.chars();
    match rest.next() {
        Some(first) if first.is_ascii_lowercase() && !text.starts_with("whence ") => {
            format!("{}{}", first.to_ascii_uppercase(), rest.as_str())
        }
        _ => text.to_owned(),
    }
}

fn io_hint(source: &std::io::Error) -> &'static str {
    use std::io::ErrorKind;
    match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            ". Free some space and start again: what was finished is kept"
        }
        ErrorKind::PermissionDenied => ". Check who may read and write there",
        ErrorKind::NotFound => ". Check the spelling and that the disk is mounted",
        _ => "",
    }
}
