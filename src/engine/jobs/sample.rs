//! Drawing pictures from a model.

use crate::diffusion::Model;
use crate::diffusion::generate::{generate, to_bytes};
use crate::engine::api::{DrawQuery, DrawSettings, EventKind, QueryOrigin, QueryPicture, SampleJob};
use crate::engine::reporter::Reporter;
use crate::engine::workspace::Workspace;
use crate::error::Result;
use crate::report::write_png;

/// Draws one picture a seed: planar bytes, one after another. Progress takes `units`.
pub(super) fn draw(
    model: &Model,
    draw: &DrawSettings,
    seeds: &[u64],
    units: f64,
    preview: bool,
    reporter: &mut Reporter<'_>,
) -> Result<Vec<u8>> {
    let mut shown = std::time::Instant::now();
    let pictures = generate(model, draw.sampler, draw.steps, seeds, draw.class, &mut |step, steps, picture| {
        if preview && (step == 1 || shown.elapsed().as_millis() > 100) {
            shown = std::time::Instant::now();
            reporter.passing(EventKind::Preview { step, steps, pixels: to_bytes(picture) });
        }
        reporter.within("drawing", step, steps, units)
    })?;
    Ok(to_bytes(&pictures))
}

pub(super) fn query(workspace: &mut Workspace, job: &DrawQuery, reporter: &mut Reporter<'_>) -> Result<String> {
    let (_, model) = workspace.open_model()?;
    let pixels = draw(&model, &job.draw, &[job.seed], 1.0, true, reporter)?;
    let name = format!("seed-{}", job.seed);
    reporter.state(EventKind::QueryReady(Box::new(QueryPicture {
        name: name.clone(),
        origin: QueryOrigin::Seed(job.seed),
        shape: model.shape(),
        pixels,
        notes: vec![format!("drawn with {} in {} steps", job.draw.sampler.name(), job.draw.steps)],
    })));
    Ok(format!("{name} is drawn"))
}

pub(super) fn run(workspace: &mut Workspace, job: &SampleJob, reporter: &mut Reporter<'_>) -> Result<String> {
    let model = workspace.model(&job.model)?;
    reporter.plan(job.seeds.len() as f64);
    let size = model.shape().numel();
    for seeds in job.seeds.chunks(job.batch.max(1)) {
        let pixels = draw(&model, &job.draw, seeds, seeds.len() as f64, false, reporter)?;
        for (seed, picture) in seeds.iter().zip(pixels.chunks(size)) {
            write_png(&job.out.join(format!("seed-{seed}.png")), picture, model.shape())?;
        }
        reporter.advance(seeds.len() as f64);
    }
    Ok(format!("{} pictures in {}", job.seeds.len(), job.out.display()))
}
