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

    /// The job was paused or preempted and resumes later. Not a failure: nothing was lost.
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

    /// A fault of the program itself: something that cannot happen did. The user's input is not at fault.
    #[error("internal error: {what} (at {place}). Please report it")]
    Internal {
        /// What was found, a clause without its full stop.
        what: String,
        /// Source file and line that noticed it.
        place: String,
    },

    /// The operating system refused to read or write.
    #[error("could not {doing} {}: {source}{}", path.display(), io_hint(source))]
    Io {
        /// A verb, such as `read`, `write`, `create`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's message.
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
        /// The driver's message.
        what: String,
    },

    /// The compute device failed or does not exist.
    #[error("{device}: {what}. {}", capitalised(remedy))]
    Device {
        /// Name of the device.
        device: String,
        /// What happened.
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

    /// A fault of the program itself; the error names the caller's source file and line.
    #[track_caller]
    pub fn internal(what: impl Into<String>) -> Self {
        let caller = std::panic::Location::caller();
        Self::Internal { what: what.into(), place: format!("{}:{}", caller.file(), caller.line()) }
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
            Self::Input { what, place, remedy } => {
                Failure::new(format!("{what}. {}.", capitalised(remedy)), place.clone(), Vec::new())
            }
            Self::Io { doing, path, source } => io_failure(doing, path, source),
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

/// Message of a panic.
#[must_use]
pub fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

/// Whether a driver's or a library's message says that the device has no memory left. Drivers report that as text only,
/// so this goes by the phrases of wgpu and cubecl (and their error variants in a debug print), and leaves out the frames of
/// a backtrace, in which functions named after allocation are common.
#[must_use]
pub fn is_out_of_memory(message: &str) -> bool {
    const PHRASES: [&str; 7] = [
        "out of memory",
        "out-of-memory",
        "outofmemory",
        "out of device memory",
        "not enough memory",
        "can't allocate buffer of size",
        "every page size the memory tracks still holds live allocations",
    ];
    message.lines().filter(|line| !is_backtrace_frame(line)).any(|line| {
        let line = line.to_lowercase();
        PHRASES.iter().any(|phrase| line.contains(phrase))
    })
}

/// `  12: function` and `     at file:line`.
fn is_backtrace_frame(line: &str) -> bool {
    let line = line.trim_start();
    let after_digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    line.starts_with("at ") || (after_digits.len() < line.len() && after_digits.starts_with(": "))
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

/// What the system refused in a sentence without its words; they are the details, with the whole path.
fn io_failure(doing: &str, path: &Path, source: &std::io::Error) -> Failure {
    use std::io::ErrorKind;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let sentences = match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "Disk full. Free some space and try again; finished results are kept.".to_owned()
        }
        ErrorKind::PermissionDenied => {
            format!("could not {doing} \u{201c}{name}\u{201d}: permission denied. Check the permissions of this path.")
        }
        ErrorKind::NotFound => format!("\u{201c}{name}\u{201d} does not exist. Check the path."),
        _ => format!("could not {doing} \u{201c}{name}\u{201d}: {source}."),
    };
    Failure::new(sentences, format!("could not {doing} {}: {source}", path.display()), Vec::new())
}

fn io_hint(source: &std::io::Error) -> &'static str {
    use std::io::ErrorKind;
    match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            ". Free some space and try again; finished results are kept"
        }
        ErrorKind::PermissionDenied => ". Check the permissions of this path",
        ErrorKind::NotFound => ". Check the path",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::{Error, is_out_of_memory};

    #[test]
    fn an_internal_error_names_the_line_that_found_it() {
        let line = line!() + 1;
        let error = Error::internal("a score is missing");
        assert_eq!(
            error.to_string(),
            format!("internal error: a score is missing (at {}:{line}). Please report it", file!())
        );
        let inside_a_closure =
            Err::<(), _>("no text").map_err(|e| Error::internal(format!("{e} was given"))).unwrap_err();
        assert!(inside_a_closure.to_string().contains(file!()), "{inside_a_closure}");
    }

    #[test]
    fn a_full_disk_is_named_and_the_path_is_a_detail() {
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let failure = Error::io("write", std::path::Path::new("/store/beb1"))(full).failure();
        assert_eq!(failure.summary(), "Disk full. Free some space and try again; finished results are kept.");
        assert!(failure.details().starts_with("could not write /store/beb1: "), "{}", failure.details());
        let gone = std::io::Error::from(std::io::ErrorKind::NotFound);
        let failure = Error::io("read", std::path::Path::new("/a/b.png"))(gone).failure();
        assert_eq!(failure.summary(), "\u{201c}b.png\u{201d} does not exist. Check the path.");
    }

    #[test]
    fn only_messages_about_full_memory_count_as_such() {
        for full in [
            "Out of Memory",
            "wgpu error: Not enough memory left.",
            "An out-of-memory error happened during launch\nCaused by:\n  the heap is full",
            "out of device memory allocating 4096 bytes",
            "can't allocate buffer of size: 68719476736",
            "called `Result::unwrap()` on an `Err` value: OutOfMemory { size: 12 }",
            "ERROR_OUT_OF_DEVICE_MEMORY: out of device memory",
        ] {
            assert!(is_out_of_memory(full), "{full}");
        }
        for other in [
            "Validation Error: the allocator was dropped before its buffers",
            "the binding exceeds what was allocated",
            "device lost\n   3: cubecl_runtime::memory::out_of_memory::allocate\n      at /src/OutOfMemory.rs:3",
            "",
        ] {
            assert!(!is_out_of_memory(other), "{other}");
        }
    }
}
