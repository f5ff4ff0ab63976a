//! What a job will take, told before it starts: a little of the real work is done and measured.

use std::time::{Duration, Instant};

use burn::module::Module as _;

use crate::counterfactuals::Resident;
use crate::device::memory;
use whence_base::{Error, Result};
use whence_diffusion::elbo::{FullPass, Plan, Point, ScorerQuery};
use whence_diffusion::{Condition, Denoiser as _, Pipeline};
use whence_jobs::JobEstimate;
use whence_methods::{ScoreSettings, Work};
use whence_training::unlearning::Unlearning;

/// Share of the free memory that passes side by side may take.
const SHARE: f64 = 0.5;

/// Passes are measured for so long.
const MEASURE: Duration = Duration::from_millis(300);

/// Of a job that finds everything it needs.
pub fn nothing(model: &Pipeline) -> JobEstimate {
    let peak_bytes = memory::peak().filter(|_| model.is_on_cpu());
    JobEstimate { models: 0, evaluations: 0, seconds: 0.0, peak_bytes }
}

/// Costs of this model on this machine, measured.
#[derive(Clone, Copy, Debug)]
pub struct Costs {
    /// Seconds of one evaluation, with as many side by side as there will be.
    evaluation: f64,
    /// Seconds of making one model.
    making: f64,
    /// Bytes of one image's prediction and of one model's weights.
    image: usize,
    weights: usize,
    on_cpu: bool,
}

impl Costs {
    /// Measures scoring by a few passes, and, where models are to be made by unlearning, one step of it.
    ///
    /// Lowers `settings.batch` where so many images at once would not fit into the free memory.
    ///
    /// # Errors
    /// Those of the device.
    pub fn measure(
        model: &Pipeline,
        settings: &mut ScoreSettings,
        making: Option<&Unlearning<'_>>,
        check: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Self> {
        let passes = model.passes();
        let before = memory::peak();
        evaluate(model, settings, passes.images, check)?;
        if let (Some(before), Some(after), Some(free)) = (before, memory::peak(), memory::available()) {
            let one = after.saturating_sub(before).max(1);
            let fit = ((free as f64 * SHARE) / one as f64).max(1.0) as usize;
            settings.batch = settings.batch.min(fit.saturating_mul(passes.images));
        }
        let count = passes.limited(settings.batch).at_once * passes.images;
        let (begun, mut rounds) = (Instant::now(), Vec::new());
        // The first rounds are slow: memory is fetched, cores wake up.
        while rounds.len() < 3 || (begun.elapsed() < MEASURE && rounds.len() < 100) {
            let round = Instant::now();
            evaluate(model, settings, count, check)?;
            rounds.push(round.elapsed().as_secs_f64());
        }
        rounds.sort_by(f64::total_cmp);
        let evaluation = rounds.get(rounds.len() / 2).copied().unwrap_or_default() / count as f64;
        let making = match making {
            Some(unlearning) => step(unlearning, check)?,
            None => 0.0,
        };
        let image = model.sample_shape().numel() * 4;
        let weights = model.network.num_params() * 4;
        Ok(Self { evaluation, making, image, weights, on_cpu: model.is_on_cpu() })
    }

    /// What so many models and evaluations take, where at most `held` models stay in memory.
    pub fn estimate(&self, models: usize, held: usize, Work { evaluations, places, .. }: Work) -> JobEstimate {
        let seconds = models as f64 * self.making + evaluations as f64 * self.evaluation;
        let resident = held.saturating_mul(self.weights).min(Resident::BUDGET);
        let kept = places.saturating_mul(self.image) + 2 * self.weights + resident;
        let peak_bytes = memory::peak().filter(|_| self.on_cpu).map(|peak| peak + kept as u64);
        JobEstimate { models, evaluations, seconds, peak_bytes }
    }
}

/// Evaluates the full model at `count` places.
fn evaluate(
    model: &Pipeline,
    settings: &ScoreSettings,
    count: usize,
    check: &mut dyn FnMut() -> Result<()>,
) -> Result<()> {
    let last = model.schedule().len() - 1;
    let points = (0..count).map(|i| Point { t: 1 + i * 37 % last.max(1), draw: i, weight: 1.0 }).collect();
    let pixels = vec![128; model.image_shape().numel()];
    let condition = Condition::of_class(settings.class);
    let query = ScorerQuery::of_image(model.codec(), pixels, condition, Plan { points, draws: 1 });
    FullPass::run(model, model.schedule(), &[query], 0, settings.batch, &mut |_, _| check()).map(|_| ())
}

/// Seconds of one model's making, from one step of it.
fn step(unlearning: &Unlearning<'_>, check: &mut dyn FnMut() -> Result<()>) -> Result<f64> {
    let mut times = Vec::new();
    let begun = Instant::now();
    let stopped = unlearning.run(None, &mut |_| {
        check()?;
        times.push(begun.elapsed().as_secs_f64());
        // The first step warms the memory; the second is like all others.
        if times.len() < 2 { Ok(()) } else { Err(Error::Cancelled) }
    });
    match (stopped, times.as_slice()) {
        (Err(Error::Cancelled), [first, second]) => {
            check()?;
            Ok(first + (second - first) * (unlearning.recipe.steps.saturating_sub(1)) as f64)
        }
        (Ok(_), times) => Ok(times.last().copied().unwrap_or_default()),
        (Err(error), _) => Err(error),
    }
}
