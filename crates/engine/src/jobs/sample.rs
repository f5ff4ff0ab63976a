//! Image generation.

use std::path::Path;

use serde_json::json;

use crate::reporter::Reporter;
use crate::workspace::Workspace;
use whence_base::Result;
use whence_diffusion::generate::{generate, noise_of};
use whence_diffusion::{Pipeline, Sampler};
use whence_jobs::{EventKind, GenerateQuery, QueryImage, QueryOrigin, SampleJob, SampleSettings};
use whence_nn::weights::{self, Precision};
use whence_report::{GenerationRecord, write_generated_png};
use whence_store::{Kind, Store};

/// Generates one image per seed: samples `[seeds, channels, height, width]` in [-1, 1]. Reports `units` units of
/// progress.
pub(super) fn generate_samples(
    model: &Pipeline,
    sampling: &SampleSettings,
    seeds: &[u64],
    units: f64,
    preview: bool,
    reporter: &mut Reporter<'_>,
) -> Result<Vec<f32>> {
    let mut shown = std::time::Instant::now();
    let images = generate(model, sampling, seeds, &mut |step, steps, image| {
        if preview && (step == 1 || shown.elapsed().as_millis() > 100) {
            shown = std::time::Instant::now();
            reporter.passing(EventKind::Preview { step, steps, pixels: model.codec().decode(image) });
        }
        reporter.within("generating", step, steps, units)
    })?;
    Ok(images)
}

pub(super) fn query(workspace: &mut Workspace, job: &GenerateQuery, reporter: &mut Reporter<'_>) -> Result<String> {
    let model = workspace.open_model()?;
    let inputs = json!({
        "model": model.hash(),
        "draw": job.sampling,
        "seed": job.seed,
        "sampling": model.process().sampling_id(),
        "device": if model.is_on_cpu() { "CPU".to_owned() } else { workspace.device(&model.network.config())?.name },
    });
    // Images can be generated even if no store can be opened.
    let store = workspace.keep_in.as_deref().and_then(|root| Store::open(root).ok());
    let cached = store.as_ref().and_then(|s| s.get(Kind::Regeneration, &inputs));
    let pixels = match cached.filter(|pixels| pixels.len() == model.sample_shape().numel()) {
        Some(pixels) => pixels,
        None => {
            let pixels =
                model.codec().decode(&generate_samples(&model, &job.sampling, &[job.seed], 1.0, true, reporter)?);
            if let Some(Err(error)) = store.map(|s| s.put(Kind::Regeneration, &inputs, &pixels)) {
                tracing::warn!("{error}");
            }
            pixels
        }
    };
    let name = format!("seed-{}", job.seed);
    reporter.state(EventKind::QueryReady(Box::new(QueryImage {
        name: name.clone(),
        origin: QueryOrigin::Seed(job.seed),
        generated: Some(*job),
        shape: model.image_shape(),
        pixels,
        notes: vec![format!("generated with {}", job.sampling.about())],
    })));
    Ok(format!("{name} was generated"))
}

pub(super) fn run(workspace: &mut Workspace, job: &SampleJob, reporter: &mut Reporter<'_>) -> Result<String> {
    let model = workspace.model(&job.model)?;
    reporter.plan(job.seeds.len() as f64);
    let size = model.sample_shape().numel();
    for seeds in job.seeds.chunks(job.batch.max(1)) {
        let images = generate_samples(&model, &job.sampling, seeds, seeds.len() as f64, false, reporter)?;
        for (seed, image) in seeds.iter().zip(images.chunks(size)) {
            let pixels = model.codec().decode(image);
            let record = GenerationRecord::new(*seed, job.sampling, model.hash(), &pixels);
            let path = job.out.join(format!("seed-{seed}.png"));
            write_generated_png(&path, &pixels, model.image_shape(), &record)?;
            if job.tensors {
                write_tensors(&job.out.join(format!("seed-{seed}.safetensors")), &model, &job.sampling, *seed, image)?;
            }
        }
        reporter.advance(seeds.len() as f64);
    }
    Ok(format!("{} images in {}", job.seeds.len(), job.out.display()))
}

/// Tensors with which another program can reproduce the image: `x_T` and `x_0` `[channels, height, width]`, and, if the
/// sampler adds noise, `noise` `[steps, channels, height, width]`.
fn write_tensors(path: &Path, model: &Pipeline, sampling: &SampleSettings, seed: u64, image: &[f32]) -> Result<()> {
    let shape = model.image_shape();
    let one = vec![shape.channels, shape.height, shape.width];
    let mut tensors = vec![
        ("x_T".to_owned(), one.clone(), noise_of(seed, 0, shape.numel())),
        ("x_0".to_owned(), one.clone(), image.to_vec()),
    ];
    if Sampler::new(sampling.sampler, model.scheduler(), sampling.steps, sampling.eta)?.needs_noise() {
        let noise = (1..=sampling.steps).flat_map(|step| noise_of(seed, step, shape.numel())).collect();
        tensors.push(("noise".to_owned(), [vec![sampling.steps], one].concat(), noise));
    }
    weights::write_tensors(path, &tensors, Precision::Float32, &[])
}
