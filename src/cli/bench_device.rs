//! `whence bench-device`, hidden: the parts of `benches/gpu.sh` that need the program's own networks. Each prints plain
//! lines or one JSON object per line.

use clap::{Args, Subcommand};

use super::parse;
use whence_base::{Error, Result};
use whence_engine::device::benchmark::{self, BenchmarkNetwork};

/// Parts of the benchmark.
#[derive(Debug, Subcommand)]
pub enum BenchDeviceTask {
    /// List adapters with their drivers and limits
    Describe,
    /// Print a network's config.json
    Config {
        /// Network: demo, ddpm-cifar10 or guda
        #[arg(value_parser = network)]
        network: BenchmarkNetwork,
    },
    /// Time forward passes and training steps
    Measure(MeasureArguments),
    /// Double the batch until the memory is full, then compute one image
    Exhaust(ExhaustArguments),
    /// Unpack the demo project and print its folder
    Demo,
}

/// `whence bench-device measure`.
#[derive(Debug, Args)]
pub struct MeasureArguments {
    /// Where to compute: gpu, cpu, or part of a device's name; not tested beforehand
    #[arg(long)]
    device: String,
    /// Network: demo, ddpm-cifar10 or guda
    #[arg(long, value_parser = network)]
    network: BenchmarkNetwork,
    /// Images per pass, several times
    #[arg(long, value_delimiter = ',', required = true, value_name = "N,N", value_parser = parse::at_most(1 << 20))]
    batch: Vec<usize>,
    /// Seconds for each result after its first pass; at least two passes are timed
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = parse::up_to(60))]
    seconds: usize,
}

/// `whence bench-device exhaust`.
#[derive(Debug, Args)]
pub struct ExhaustArguments {
    /// Where to compute: gpu, cpu, or part of a device's name; not tested beforehand
    #[arg(long)]
    device: String,
    /// Network: demo, ddpm-cifar10 or guda
    #[arg(long, value_parser = network)]
    network: BenchmarkNetwork,
    /// Images of the first pass; each later one has twice as many
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = parse::at_most(1 << 20))]
    first: usize,
    /// Largest batch to try
    #[arg(long, value_name = "N", value_parser = parse::at_most(1 << 20))]
    most: usize,
}

fn network(name: &str) -> std::result::Result<BenchmarkNetwork, String> {
    BenchmarkNetwork::from_name(name).ok_or_else(|| {
        let names: Vec<&str> = BenchmarkNetwork::ALL.iter().map(|n| n.name()).collect();
        format!("choose one of {}", names.join(", "))
    })
}

pub(super) fn run(task: BenchDeviceTask) -> Result<()> {
    match task {
        BenchDeviceTask::Describe => {
            for line in benchmark::describe_adapters() {
                println!("{line}");
            }
            Ok(())
        }
        BenchDeviceTask::Config { network } => {
            println!("{}", network.config().to_json()?);
            Ok(())
        }
        BenchDeviceTask::Measure(a) => {
            let mut printed = Ok(());
            benchmark::measure(&a.device, a.network, &a.batch, a.seconds as f64, |measurement| {
                if printed.is_ok() {
                    printed = print_json(&measurement);
                }
            })?;
            printed
        }
        BenchDeviceTask::Exhaust(a) => print_json(&benchmark::exhaust(&a.device, a.network, a.first, a.most)?),
        BenchDeviceTask::Demo => {
            println!("{}", crate::demo::demo_folder()?.display());
            Ok(())
        }
    }
}

fn print_json(value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string(value).map_err(|e| Error::input(e.to_string(), "bench-device", "report this"))?;
    println!("{text}");
    Ok(())
}
