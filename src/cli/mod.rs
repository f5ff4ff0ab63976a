//! The command line: the second door to the engine.

mod arguments;
mod attribute;
mod bench_device;
mod demo;
mod doctor;
mod drive;
mod evaluate;
mod jobs;
mod options;
mod output;
mod parse;
mod project;
mod report;
mod subset;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;

pub use arguments::{Arguments, Command};
pub(crate) use parse::quoted_name;

use whence_base::{Error, Result};

/// Parses the command line and runs it.
///
/// Exit codes: 0 done, 1 failed, 2 bad usage, 130 cancelled.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    start_log();
    if let Ok(program) = std::env::current_exe() {
        whence_engine::device::set_program(program);
    }
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Error::Cancelled) => {
            output::note("Cancelled. What was finished is saved.");
            ExitCode::from(130)
        }
        Err(error) => {
            output::note(&format!("error: {}", options::worded(&error)));
            ExitCode::FAILURE
        }
    }
}

fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("WHENCE_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("error"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _ = log.with_ansi(std::io::stderr().is_terminal()).try_init();
}

fn run(arguments: Arguments) -> Result<()> {
    match arguments.command {
        #[cfg(feature = "window")]
        None => window(arguments.window),
        // The parser of such a build prints the help where no command is given.
        #[cfg(not(feature = "window"))]
        None => Err(Error::input("no command was given", "this build has no window", "see whence --help")),
        Some(Command::Attribute(a)) => attribute::run(*a),
        Some(Command::Report(a)) => report::run(*a),
        Some(Command::Sample(a)) => jobs::sample(a),
        Some(Command::Train(a)) => jobs::train(a),
        Some(Command::Unlearn(a)) => jobs::unlearn(a),
        Some(Command::Retrain(a)) => jobs::retrain(a),
        Some(Command::Evaluate(a)) => evaluate::run(&a),
        Some(Command::Benchmark(a)) => jobs::benchmark(a),
        Some(Command::Removal(a)) => jobs::removal(a),
        Some(Command::Subset(a)) => subset::run(&a),
        Some(Command::Project(a)) => project::run(&a),
        Some(Command::Doctor(a)) => doctor::run(&a),
        Some(Command::Demo(a)) => demo::run(&a),
        Some(Command::CheckDevice(a)) => doctor::check_device(&a),
        Some(Command::BenchDevice(task)) => bench_device::run(task),
    }
}

#[cfg(feature = "window")]
fn window(arguments: arguments::WindowArguments) -> Result<()> {
    let display = ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|v| !v.is_empty()));
    if cfg!(all(unix, not(target_os = "macos"))) && !display {
        return Err(Error::input(
            "there is no display to open the window on",
            "DISPLAY and WAYLAND_DISPLAY are not set",
            "start Whence in a desktop session, or use the command line: whence attribute --help",
        ));
    }
    crate::app::run(crate::app::Options {
        project: arguments.project,
        device: arguments.device,
        screenshot: arguments.screenshot,
        attribute: arguments.attribute,
    })
}
