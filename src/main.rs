//! The program: parses the command line, and opens the window or runs a command.

use std::process::ExitCode;

/// A tenth off the forward pass, measured: the network allocates and frees large buffers all the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    whence::cli::main()
}
