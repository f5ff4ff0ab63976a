//! The same work side by side with PyTorch, in turn, on the same files and all cores.
//!
//! `cargo bench --bench versus_pytorch -- --python PYTHON --peer torch_peer.py [--rounds 3] MODEL...`
//!
//! The peer prints seconds for a forward pass and a training step of a diffusers model; here the same network does the
//! same. Rounds alternate, so that a busy machine is as busy for both; the medians are printed with their ratio
//! (above 1: Whence is faster). Without a Python that has torch and diffusers, only Whence's own figures are printed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use burn::tensor::Device;
use whence_base::random::epsilon;
use whence_data::{Dataset, LoadOptions};
use whence_diffusion::{Condition, Denoiser as _, Pipeline};
use whence_training::{LeftOut, Training, TrainingConfig};

struct Options {
    python: Option<PathBuf>,
    peer: PathBuf,
    rounds: usize,
    models: Vec<PathBuf>,
}

fn options() -> Options {
    let mut options =
        Options { python: None, peer: "../shared/peer/torch_peer.py".into(), rounds: 3, models: Vec::new() };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--python" => options.python = arguments.next().map(PathBuf::from),
            "--peer" => options.peer = arguments.next().map_or(options.peer, PathBuf::from),
            "--rounds" => options.rounds = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(3),
            // What cargo bench adds.
            "--bench" => {}
            model => options.models.push(model.into()),
        }
    }
    if options.models.is_empty() {
        options.models.push("assets/demo/model".into());
    }
    options
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Images a second that the peer reports.
fn peer(options: &Options, what: &str, model: &Path, batch: usize) -> Option<f64> {
    let python = options.python.as_ref()?;
    let output = Command::new(python)
        .arg(&options.peer)
        .arg(what)
        .arg(model)
        .args(["--batch", &batch.to_string(), "--n", "5"])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let rate =
        text.lines().find(|l| l.starts_with(what)).and_then(|l| l.split(", ").nth(1)?.split(' ').next()?.parse().ok());
    if rate.is_none() {
        eprintln!("the peer failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    rate
}

/// Images a second of forward passes, cut as the scorer cuts them.
fn forward(model: &Pipeline, batch: usize) -> f64 {
    use rayon::prelude::*;
    let size = model.sample_shape().numel();
    let x = epsilon(1, b"bench", 1, 0, size * batch);
    let t: Vec<usize> = (0..batch).map(|i| 1 + (i * 37) % 990).collect();
    let passes = model.passes();
    let pass = || {
        let tiles: Vec<_> = x.chunks(size * passes.images).zip(t.chunks(passes.images)).collect();
        if passes.at_once > 1 {
            tiles.par_iter().for_each(|(x, t)| drop(model.predict_noise(x, t, &vec![Condition::None; t.len()])));
        } else {
            tiles.iter().for_each(|(x, t)| drop(model.predict_noise(x, t, &vec![Condition::None; t.len()])));
        }
    };
    batch as f64 / seconds(pass)
}

/// Images a second of whole training steps: drawing images and noise, forward, backward, AdamW.
fn step(model: &Pipeline, data: &Dataset, batch: usize) -> f64 {
    let config = TrainingConfig {
        steps: 10,
        batch,
        warmup_steps: 1,
        checkpoint_every: usize::MAX,
        ema_decay: None,
        network: Some(model.network.config()),
        scheduler: model.scheduler().clone(),
        ..TrainingConfig::default()
    };
    let Ok(out) = tempfile::tempdir() else { return f64::NAN };
    let left_out = LeftOut::default();
    let training = Training {
        dataset: data,
        config: &config,
        left_out: &left_out,
        conditions: None,
        out: out.path(),
        device: model.device(),
    };
    let (mut at, mut times) = (Instant::now(), Vec::new());
    let trained = training.run(&mut |progress| {
        if progress.step > 2 {
            times.push(at.elapsed().as_secs_f64());
        }
        at = Instant::now();
        Ok(())
    });
    if let Err(error) = trained {
        eprintln!("{error}");
    }
    batch as f64 / median(times)
}

/// Median seconds of one call, after a warm-up, over at least five calls and half a second.
fn seconds(mut work: impl FnMut()) -> f64 {
    work();
    let (begun, mut times) = (Instant::now(), Vec::new());
    while times.len() < 5 || begun.elapsed().as_secs_f64() < 0.5 {
        let at = Instant::now();
        work();
        times.push(at.elapsed().as_secs_f64());
    }
    median(times)
}

fn main() {
    let options = options();
    let device = Device::flex();
    println!("| model | what | batch | Whence, images/s | PyTorch, images/s | ratio |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for folder in &options.models {
        let model = match Pipeline::load(folder, &device) {
            Ok(model) => model,
            Err(error) => {
                eprintln!("{error}");
                continue;
            }
        };
        let load = LoadOptions { shape: Some(model.image_shape()), ..LoadOptions::default() };
        let data = match Dataset::load(Path::new("assets/demo/paintings"), &load, &mut |_, _| Ok(())) {
            Ok(data) => data,
            Err(error) => {
                eprintln!("{error}");
                continue;
            }
        };
        let name = folder.display();
        for batch in [1, 16, 64] {
            for what in ["forward", "step"] {
                let (mut ours, mut theirs) = (Vec::new(), Vec::new());
                for _ in 0..options.rounds {
                    ours.push(if what == "forward" { forward(&model, batch) } else { step(&model, &data, batch) });
                    theirs.extend(peer(&options, what, folder, batch));
                }
                let (ours, theirs) = (median(ours), median(theirs));
                println!("| {name} | {what} | {batch} | {ours:.1} | {theirs:.1} | {:.2} |", ours / theirs);
            }
        }
    }
}
