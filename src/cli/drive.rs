//! Runs a job on the engine and shows its events on standard error.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::output;
use whence_base::{Error, Result};
use whence_engine::{Engine, journal_path};
use whence_jobs::{EventKind, JobEstimate, JobSpec, Progress};
use whence_methods::Attribution;

/// What a job ended with.
#[derive(Debug, Default)]
pub struct Outcome {
    /// One line.
    pub summary: String,
    /// Scores, where the job made any.
    pub attributions: Vec<Attribution>,
    /// What the job was going to take.
    pub estimate: Option<JobEstimate>,
    /// Warnings on the way.
    pub warnings: Vec<String>,
}

/// Runs one job to its end. An interrupt, a termination or a hang-up cancels it; a second one ends the program.
///
/// # Errors
/// The job's own; [`Error::Cancelled`].
pub fn drive(device: &str, spec: JobSpec) -> Result<Outcome> {
    let interrupted = cancel_on_signals();
    let engine = Engine::start_logged(device, journal_path(), || {})?;
    let job = engine.run(spec)?;
    let show = Show::new();
    let mut outcome = Outcome::default();
    let mut cancelled = false;
    loop {
        if interrupted.load(Ordering::Relaxed) && !cancelled {
            cancelled = true;
            engine.cancel(job);
        }
        let event = match engine.events().recv_timeout(Duration::from_millis(50)) {
            Ok(event) => event,
            Err(crossbeam_channel::RecvTimeoutError::Timeout) => continue,
            Err(crossbeam_channel::RecvTimeoutError::Disconnected) => {
                return Err(Error::Device {
                    device: device.into(),
                    what: "the compute thread ended".into(),
                    remedy: "Start again: what was finished is saved".into(),
                });
            }
        };
        match event.kind {
            EventKind::Progress(progress) => show.progress(&progress),
            EventKind::Warning(text) => {
                show.line(&format!("warning: {text}"));
                outcome.warnings.push(text);
            }
            EventKind::Estimate(estimate) => {
                show.line(&words(&estimate));
                outcome.estimate = Some(estimate);
            }
            EventKind::Attributed(attributions) => outcome.attributions = attributions,
            EventKind::Finished(summary) => {
                show.end();
                outcome.summary = summary;
                return Ok(outcome);
            }
            EventKind::Cancelled => {
                show.end();
                return Err(Error::Cancelled);
            }
            EventKind::Failed(what) => {
                show.end();
                return Err(Error::Job(what));
            }
            _ => {}
        }
    }
}

/// A flag that interrupts, terminations and hang-ups set; a second one ends the program.
fn cancel_on_signals() -> Arc<AtomicBool> {
    let interrupted = Arc::new(AtomicBool::new(false));
    // A handler would take hang-ups that nohup had the program ignore. Results survive a kill, so none is needed then.
    if hang_ups_are_ignored() {
        return interrupted;
    }
    let flag = Arc::clone(&interrupted);
    let handler = move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    };
    if let Err(error) = ctrlc::set_handler(handler) {
        tracing::debug!("signals are not taken as a cancel: {error}");
    }
    interrupted
}

/// Whether the program was started by nohup. Linux tells; elsewhere no.
fn hang_ups_are_ignored() -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return false };
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // SIGHUP is signal 1: the lowest bit.
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

/// An estimate in a line.
fn words(estimate: &JobEstimate) -> String {
    let memory = estimate.peak_bytes.map(|b| format!(", {} MiB of memory", b >> 20)).unwrap_or_default();
    format!(
        "about {}{memory}: {} models to make, {} network evaluations",
        duration(estimate.seconds),
        estimate.models,
        estimate.evaluations
    )
}

/// A progress bar on terminals, a line now and then elsewhere.
struct Show {
    bar: Option<ProgressBar>,
    last: std::cell::Cell<Option<Instant>>,
}

impl Show {
    fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(1000);
            if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent:>3}%  {msg}") {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, last: std::cell::Cell::new(None) }
    }

    fn progress(&self, progress: &Progress) {
        let left = progress.seconds_left.map(|s| format!(", {} left", duration(s))).unwrap_or_default();
        let text = format!("{}{left}", progress.phase);
        if let Some(bar) = &self.bar {
            bar.set_position((progress.fraction * 1000.0) as u64);
            bar.set_message(output::visible(&text));
        } else if self.last.get().is_none_or(|l| l.elapsed() > Duration::from_secs(5)) {
            self.last.set(Some(Instant::now()));
            output::note(&format!("{:3.0}%  {text}", progress.fraction * 100.0));
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(output::visible(text)),
            None => output::note(text),
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Seconds in words: `8 s`, `2 min 5 s`, `3 h 20 min`.
pub fn duration(seconds: f64) -> String {
    let s = seconds.max(0.0).round() as u64;
    match s {
        0..60 => format!("{s} s"),
        60..3600 => format!("{} min {} s", s / 60, s % 60),
        _ => format!("{} h {} min", s / 3600, s % 3600 / 60),
    }
}
