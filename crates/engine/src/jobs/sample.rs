//! Drawing images from a model.

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

/// Draws one image a seed: planar numbers in [-1, 1], one image after another. Progress takes `units`.
pub(super) fn draw(
    model: &Pipeline,
    draw: &SampleSettings,
    seeds: &[u64],
    units: f64,
    preview: bool,
    reporter: &mut Reporter<'_>,
) -> Result<Vec<f32>> {
    let mut shown = std::time::Instant::now();
    let images = generate(model, draw, seeds, &mut |step, steps, image| {
        if preview && (step == 1 || shown.elapsed().as_millis() > 100) {
            shown = std::time::Instant::now();
            reporter.passing(EventKind::Preview { step, steps, pixels: model.codec().decode(image) });
        }
        reporter.within("drawing", step, steps, units)
    })?;
    Ok(images)
}

pub(super) fn query(workspace: &mut Workspace, job: &GenerateQuery, reporter: &mut Reporter<'_>) -> Result<String> {
    let model = workspace.open_model()?;
    let inputs = json!({
        "model": model.hash(),
        "draw": job.draw,
        "seed": job.seed,
        "sampling": model.process().sampling_id(),
        "device": if model.is_on_cpu() { "CPU".to_owned() } else { workspace.device(&model.network.config())?.name },
    });
    // An image can be drawn where nothing can be kept too.
    let store = workspace.keep_in.as_deref().and_then(|root| Store::open(root).ok());
    let kept = store.as_ref().and_then(|s| s.get(Kind::Regeneration, &inputs));
    let pixels = match kept.filter(|pixels| pixels.len() == model.sample_shape().numel()) {
        Some(pixels) => pixels,
        None => {
            let pixels = model.codec().decode(&draw(&model, &job.draw, &[job.seed], 1.0, true, reporter)?);
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
        drawn: Some(*job),
        shape: model.image_shape(),
        pixels,
        notes: vec![format!("drawn with {}", job.draw.about())],
    })));
    Ok(format!("{name} is drawn"))
}

pub(super) fn run(workspace: &mut Workspace, job: &SampleJob, reporter: &mut Reporter<'_>) -> Result<String> {
    let model = workspace.model(&job.model)?;
    reporter.plan(job.seeds.len() as f64);
    let size = model.sample_shape().numel();
    for seeds in job.seeds.chunks(job.batch.max(1)) {
        let images = draw(&model, &job.draw, seeds, seeds.len() as f64, false, reporter)?;
        for (seed, image) in seeds.iter().zip(images.chunks(size)) {
            let pixels = model.codec().decode(image);
            let drawn = GenerationRecord::new(*seed, job.draw, model.hash(), &pixels);
            let path = job.out.join(format!("seed-{seed}.png"));
            write_generated_png(&path, &pixels, model.image_shape(), &drawn)?;
            if job.tensors {
                write_tensors(&job.out.join(format!("seed-{seed}.safetensors")), &model, &job.draw, *seed, image)?;
            }
        }
        reporter.advance(seeds.len() as f64);
    }
    Ok(format!("{} images in {}", job.seeds.len(), job.out.display()))
}

/// What another program needs to draw the image again: `x_T` and `x_0` `[C, H, W]`, and where the sampler adds noise,
/// `noise` `[steps, C, H, W]`.
fn write_tensors(path: &Path, model: &Pipeline, draw: &SampleSettings, seed: u64, image: &[f32]) -> Result<()> {
    let shape = model.image_shape();
    let one = vec![shape.channels, shape.height, shape.width];
    let mut tensors = vec![
        ("x_T".to_owned(), one.clone(), noise_of(seed, 0, shape.numel())),
        ("x_0".to_owned(), one.clone(), image.to_vec()),
    ];
    if Sampler::new(draw.sampler, model.scheduler(), draw.steps, draw.eta)?.needs_noise() {
        let noise = (1..=draw.steps).flat_map(|step| noise_of(seed, step, shape.numel())).collect();
        tensors.push(("noise".to_owned(), [vec![draw.steps], one].concat(), noise));
    }
    weights::write_tensors(path, &tensors, Precision::Float32, &[])
}
