//! Time and memory to store a large network: saved, loaded, hashed, and stored as a difference.
//!
//! `cargo bench --bench large_model -- [WIDTH]`: a UNet2DModel with random weights and blocks of WIDTH, 2, 4 and 4 times WIDTH
//! channels (default 360, about 850 M parameters; it needs 8 GB of memory and 8 GB of disk). Each step runs in a process
//! of its own, because the peak of a process's memory never falls. Peaks are read from `/proc`, so only on Linux.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use burn::module::Module as _;
use burn::tensor::Device;
use whence_models::{DownBlockType, UNet2DConfig, UNet2DModel, UpBlockType};
use whence_nn::ParameterSelection;
use whence_nn::delta::{DeltaPrecision, decode, encode_to};
use whence_nn::parameters::{named_tensors, replace_parameters};
use whence_nn::weights::{Precision, RandomStart, SafetensorsSource, parameters_hash, write_safetensors};

type Failure = Box<dyn std::error::Error>;

/// The steps, in the order in which each finds the files of those before it.
const STEPS: [(&str, &str); 5] = [
    ("save", "random weights, saved"),
    ("load", "load"),
    ("hash", "load and hash"),
    ("encode", "load, change, encode the difference (8 bits)"),
    ("decode", "load, decode the difference"),
];

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    match arguments.as_slice() {
        [step, width, folder] => run(step, width.parse()?, Path::new(folder)),
        [] => measure(360),
        [width, ..] => measure(width.parse()?),
    }
}

fn measure(width: usize) -> Result<(), Failure> {
    let folder = std::env::temp_dir().join(format!("whence-large-model-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let result = measure_in(width, &folder);
    std::fs::remove_dir_all(&folder)?;
    result
}

fn measure_in(width: usize, folder: &Path) -> Result<(), Failure> {
    println!("| step | seconds | peak memory, MB | of the float32 size |");
    println!("| --- | --- | --- | --- |");
    for (step, title) in STEPS {
        let output = Command::new(std::env::current_exe()?).args([step, &width.to_string()]).arg(folder).output()?;
        if !output.status.success() {
            return Err(format!("{title}: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        let text = String::from_utf8(output.stdout)?;
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [seconds, peak, size] = fields.as_slice() else { return Err(format!("{title}: {text}").into()) };
        let (peak, size): (f64, f64) = (peak.parse()?, size.parse()?);
        println!("| {title} | {seconds} | {:.0} | {:.2} |", peak / 1e6, peak / size);
    }
    let size = |name: &str| std::fs::metadata(folder.join(name)).map(|m| m.len() as f64 / 1e6);
    println!("\nfloat32 file: {:.0} MB, difference: {:.0} MB", size("weights.safetensors")?, size("delta")?);
    Ok(())
}

/// One step; prints its seconds, its peak memory and the float32 size of the weights in bytes.
fn run(step: &str, width: usize, folder: &Path) -> Result<(), Failure> {
    let files =
        Files { config: config(width), weights: folder.join("weights.safetensors"), delta: folder.join("delta") };
    let begun = Instant::now();
    let parameters = match step {
        "save" => files.save()?,
        "load" => files.load()?.num_params(),
        "hash" => {
            let network = files.load()?;
            parameters_hash(&network)?;
            network.num_params()
        }
        "encode" => files.encode()?,
        "decode" => files.decode()?,
        other => return Err(format!("unknown step {other}").into()),
    };
    println!("{:.1} {} {}", begun.elapsed().as_secs_f64(), peak_bytes()?, 4 * parameters);
    Ok(())
}

struct Files {
    config: UNet2DConfig,
    weights: PathBuf,
    delta: PathBuf,
}

impl Files {
    fn save(&self) -> Result<usize, Failure> {
        let network = UNet2DModel::build(&self.config, &mut RandomStart { seed: 1 }, &Device::flex())?;
        write_safetensors(&self.weights, &network, Precision::Float32, &[])?;
        Ok(network.num_params())
    }

    fn load(&self) -> Result<UNet2DModel, Failure> {
        let mut source = SafetensorsSource::open(&self.weights)?;
        let network = UNet2DModel::build(&self.config, &mut source, &Device::flex())?;
        source.finish()?;
        Ok(network)
    }

    fn encode(&self) -> Result<usize, Failure> {
        let full = self.load()?;
        // A change that differs between values, as unlearning's does.
        let values = named_tensors(&full).into_iter().map(|t| Some(t.values.clone() + t.values.sin() * 1e-3)).collect();
        let other = replace_parameters(full.clone(), values);
        let file = std::io::BufWriter::new(std::fs::File::create(&self.delta)?);
        encode_to(file, &full, &other, DeltaPrecision::default(), &ParameterSelection::All)?;
        Ok(full.num_params())
    }

    fn decode(&self) -> Result<usize, Failure> {
        let full = self.load()?;
        let file = BufReader::new(std::fs::File::open(&self.delta)?);
        Ok(decode(&full, file, &ParameterSelection::All)?.num_params())
    }
}

fn config(width: usize) -> UNet2DConfig {
    use DownBlockType::{AttnDownBlock2D, DownBlock2D};
    use UpBlockType::{AttnUpBlock2D, UpBlock2D};
    UNet2DConfig {
        // So that the width need not be a multiple of 32.
        norm_num_groups: 8,
        block_out_channels: vec![width, 2 * width, 4 * width, 4 * width],
        down_block_types: vec![DownBlock2D, AttnDownBlock2D, AttnDownBlock2D, AttnDownBlock2D],
        up_block_types: vec![AttnUpBlock2D, AttnUpBlock2D, AttnUpBlock2D, UpBlock2D],
        ..UNet2DConfig::default()
    }
}

/// Largest resident memory of this process so far.
fn peak_bytes() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM in /proc/self/status")?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(1024 * kilobytes)
}
