//! The query drawn again by models without a group.

use rayon::prelude::*;
use serde_json::json;

use super::Look;
use crate::reporter::Reporter;
use whence_base::Result;
use whence_diffusion::generate::{Start, regenerate};
use whence_diffusion::{Denoiser as _, Pipeline};
use whence_jobs::{EventKind, Regenerated, SampleSettings};
use whence_methods::Counterfactuals;
use whence_store::Kind;

/// The query drawn again on the way is told at most this often.
const SHOWN_EVERY: std::time::Duration = std::time::Duration::from_millis(250);

impl Look<'_> {
    /// How the query is drawn.
    pub(super) fn draw(&self) -> SampleSettings {
        SampleSettings { class: self.job.of.settings.class, ..self.job.of.draw }
    }

    /// What the query is drawn again from: its own noise, or noise added to it.
    pub(super) fn start(&self) -> Start<'_> {
        match self.job.seed {
            Some(seed) => Start::Noise { seed },
            None => Start::Image { pixels: &self.query.pixels, seed: self.job.of.settings.seed },
        }
    }
}

/// One image to draw: by the model without a group, or the full one.
struct Wanted {
    group: Option<usize>,
    inputs: serde_json::Value,
}

pub(super) fn run(look: &Look<'_>, models: &mut dyn Counterfactuals, reporter: &mut Reporter<'_>) -> Result<String> {
    let (size, steps) = (look.model.image_shape().numel(), look.draw().steps);
    // An image from a seed is what the full model draws; of others it is drawn again too.
    let reference = look.job.seed.is_none().then_some(None);
    let mut missing = Vec::new();
    for group in reference.into_iter().chain(look.groups.iter().copied().map(Some)) {
        let other = match group {
            None => "full".to_owned(),
            Some(group) => match look.identity(models, group, reporter)? {
                Some(identity) => identity,
                None => continue,
            },
        };
        let inputs = look.inputs_with(
            &other,
            json!({
                "redraw": { "draw": look.draw(), "seed": look.job.seed, "noise": look.job.of.settings.seed },
                "sampling": look.model.process().sampling_id(),
            }),
        );
        match look.store.get(Kind::Regeneration, &inputs).filter(|pixels| pixels.len() == size) {
            Some(pixels) => {
                let image = Regenerated { step: steps, steps, pixels };
                reporter.state(EventKind::Regenerated { group, image });
            }
            None => missing.push(Wanted { group, inputs }),
        }
    }
    if look.only_known() {
        return Ok(String::new());
    }
    reporter.plan(missing.len().max(1) as f64);
    // On the CPU one image a core: drawing one leaves the others idle.
    for wanted in missing.chunks(look.model.passes().at_once.max(1)) {
        let mut made: Vec<(&Wanted, Pipeline)> = Vec::with_capacity(wanted.len());
        for one in wanted {
            let model = match one.group {
                Some(group) => models.without(group, &mut look.bridge(reporter, 0.0))?,
                None => look.model.clone(),
            };
            made.push((one, model));
        }
        reporter.within("drawing again", 0, 1, 0.0)?;
        let drawn: Vec<Vec<u8>> = {
            let reporter = &*reporter;
            // Each is kept as soon as it is there: a job that makes way loses none.
            let one = |(wanted, model): &(&Wanted, Pipeline)| {
                let pixels = look.one(model, wanted.group, reporter)?;
                look.store.put_if_writable(Kind::Regeneration, &wanted.inputs, &pixels)?;
                Ok(pixels)
            };
            if made.len() > 1 {
                made.par_iter().map(one).collect::<Result<_>>()?
            } else {
                made.iter().map(one).collect::<Result<_>>()?
            }
        };
        for (wanted, pixels) in wanted.iter().zip(drawn) {
            let image = Regenerated { step: steps, steps, pixels };
            reporter.state(EventKind::Regenerated { group: wanted.group, image });
            reporter.advance(1.0);
        }
    }
    Ok(format!("{} is drawn again", look.query.name))
}

impl Look<'_> {
    /// Draws one, and shows it on the way.
    fn one(&self, model: &Pipeline, group: Option<usize>, reporter: &Reporter<'_>) -> Result<Vec<u8>> {
        let mut shown = std::time::Instant::now();
        let image = regenerate(model, &self.draw(), self.start(), &mut |step, steps, image| {
            reporter.check()?;
            if step < steps && shown.elapsed() > SHOWN_EVERY {
                shown = std::time::Instant::now();
                let image = Regenerated { step, steps, pixels: model.codec().decode(image) };
                reporter.passing(EventKind::Regenerated { group, image });
            }
            Ok(())
        })?;
        Ok(model.codec().decode(&image))
    }
}
