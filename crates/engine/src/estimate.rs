//! Cost estimate of a job before it starts, extrapolated from a sample of the real work.

use std::time::{Duration, Instant};

use burn::module::Module as _;
use parking_lot::Mutex;

use crate::counterfactuals::Resident;
use crate::device::memory;
use whence_base::{Error, Result};
use whence_data::Dataset;
use whence_diffusion::elbo::{FullPass, Plan, Point, ScorerQuery};
use whence_diffusion::{Condition, Denoiser as _, Pipeline};
use whence_jobs::JobEstimate;
use whence_methods::{ScoreSettings, Work};
use whence_training::Training;
use whence_training::unlearning::Unlearning;

/// Fraction of the free memory that parallel passes may use.
const MEMORY_SHARE: f64 = 0.5;

/// Duration of the measurement of passes.
const MEASURE: Duration = Duration::from_millis(300);

/// How long measured costs hold: other programs come and go.
const HOLDS: Duration = Duration::from_secs(600);

/// Most measurements that stay in memory.
const MEASUREMENTS: usize = 16;

/// Seconds of a step from which on a single one is measured.
const LONG_STEP: f64 = 2.0;

/// What a feature costs of an evaluation.
const FEATURE_SHARE: f64 = 0.25;

/// Multiplications per second of the closed form's fit, on a current processor.
const FIT_RATE: f64 = 2e10;

/// Most directions of the closed form's fit, and most images that these are found from (`methods/gaussian.rs`).
const FIT_COMPONENTS: f64 = 256.0;
const FIT_IMAGES: f64 = 4096.0;

/// How the models of a job are created.
pub enum Creation<'a> {
    /// By unlearning.
    Unlearning(Unlearning<'a>),
    /// By training from the start.
    Training(Training<'a>),
}

impl Creation<'_> {
    /// What the time of a model depends on, besides model and device.
    fn key(&self) -> String {
        let settings = match self {
            Self::Unlearning(unlearning) => serde_json::to_string(unlearning.recipe),
            Self::Training(training) => serde_json::to_string(training.config),
        };
        settings.unwrap_or_default()
    }

    /// Seconds per model.
    fn measure(&self, check: &mut dyn FnMut() -> Result<()>) -> Result<f64> {
        match self {
            Self::Unlearning(unlearning) => step(unlearning, check),
            Self::Training(training) => Ok(training.measure_step(check)? * training.config.steps as f64),
        }
    }
}

/// Costs that were measured, so that asking again takes no time.
#[derive(Default)]
pub struct MeasuredCosts(Vec<Measurement>);

struct Measurement {
    key: String,
    at: Instant,
    costs: Costs,
    /// The batch that fits into the memory.
    batch: usize,
}

impl MeasuredCosts {
    /// The costs of this model on this machine; measured where that was not done in the last minutes. Lowers
    /// `settings.batch` if this many images at once would not fit into the free memory.
    ///
    /// # Errors
    /// Those of the device and of `check`.
    pub fn of(
        &mut self,
        model: &Pipeline,
        settings: &mut ScoreSettings,
        creation: Option<&Creation<'_>>,
        check: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Costs> {
        let created = creation.map(Creation::key).unwrap_or_default();
        let key = format!("{} {} {:?} {created}", model.hash(), settings.batch, settings.class);
        self.0.retain(|known| known.at.elapsed() < HOLDS);
        if let Some(known) = self.0.iter().find(|known| known.key == key) {
            settings.batch = known.batch;
            return Ok(known.costs);
        }
        let costs = Costs::measure(model, settings, creation, check)?;
        if self.0.len() >= MEASUREMENTS {
            self.0.remove(0);
        }
        self.0.push(Measurement { key, at: Instant::now(), costs, batch: settings.batch });
        Ok(costs)
    }
}

/// Seconds that the closed form's fit takes.
fn fit_seconds(images: usize, values: usize, groups: usize) -> f64 {
    let (images, values) = (images as f64, values as f64);
    let components = values.min(FIT_COMPONENTS);
    let subspace = if values > FIT_COMPONENTS { 8.0 * images.min(FIT_IMAGES) * values * components } else { 0.0 };
    let moments = images * components * (values + components);
    let decompositions = (groups as f64 + 1.0) * 20.0 * components.powi(3);
    if images > 0.0 { (subspace + moments + decompositions) / FIT_RATE } else { 0.0 }
}

/// Estimate of a job whose results are all cached.
pub fn nothing(model: &Pipeline) -> JobEstimate {
    let peak_bytes = memory::now().filter(|_| model.is_on_cpu());
    JobEstimate { models: 0, evaluations: 0, seconds: 0.0, peak_bytes }
}

/// Costs of this model on this machine, measured.
#[derive(Clone, Copy, Debug)]
pub struct Costs {
    /// Seconds per evaluation, with as many in parallel as in the job.
    evaluation: f64,
    /// Seconds per created model.
    making: f64,
    /// Evaluations that run at the same time.
    round: usize,
    /// Bytes of one image's prediction and of one model's weights.
    image: usize,
    weights: usize,
    /// Most memory of this process while passes (and a step of unlearning) were measured, bytes; nothing on a GPU, and
    /// if the system does not report it.
    measured_peak: Option<u64>,
}

impl Costs {
    /// Measures scoring by a few passes, and, if models are created, a step of that.
    ///
    /// Lowers `settings.batch` if this many images at once would not fit into the free memory.
    ///
    /// # Errors
    /// Those of the device.
    pub fn measure(
        model: &Pipeline,
        settings: &mut ScoreSettings,
        creation: Option<&Creation<'_>>,
        check: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Self> {
        let passes = model.passes();
        let (outcome, usage) = memory::measure(|| evaluate(model, settings, passes.images, check));
        outcome?;
        if let (Some(usage), Some(free)) = (usage, memory::available()) {
            let size = PassSize {
                parameters: model.network.num_params(),
                values: model.sample_shape().numel(),
                images: passes.images,
            };
            let pass = pass_bytes(size, usage.growth());
            settings.batch = settings.batch.min(fitting_passes(free, pass).saturating_mul(passes.images));
        }
        let count = passes.limited(settings.batch).at_once * passes.images;
        let (times, usage) = memory::measure(|| -> Result<(f64, f64)> {
            let evaluation = seconds_per_round(&mut || evaluate(model, settings, count, check))? / count as f64;
            let making = match creation {
                Some(creation) => creation.measure(check)?,
                None => 0.0,
            };
            Ok((evaluation, making))
        });
        let (evaluation, making) = times?;
        let image = model.sample_shape().numel() * 4;
        let weights = model.network.num_params() * 4;
        let measured_peak = usage.map(|u| u.highest).filter(|_| model.is_on_cpu());
        let round = passes.limited(settings.batch).at_once * passes.images;
        Ok(Self { evaluation, making, round, image, weights, measured_peak })
    }

    /// Estimated cost of this many models and evaluations, with at most `held` models in memory.
    pub fn estimate(&self, models: usize, held: usize, work: Work, dataset: &Dataset) -> JobEstimate {
        let Work { evaluations, features, points, fitted_images } = work;
        let fit = fit_seconds(fitted_images, dataset.shape().numel(), dataset.groups().len());
        // Features need the first half of the network only, where images become smaller from block to block.
        let whole = evaluations.saturating_sub(features) as f64 + FEATURE_SHARE * features as f64;
        let seconds = models as f64 * self.making + whole * self.evaluation + fit;
        let resident = held.saturating_mul(self.weights).min(Resident::BUDGET);
        let results = points.saturating_mul(self.image) + 2 * self.weights + resident;
        let peak_bytes = self.measured_peak.map(|peak| peak + results as u64);
        JobEstimate { models, evaluations, seconds, peak_bytes }
    }
}

impl Costs {
    /// The same with passes of single images one after the other, as in sampling. A pass takes as long as many that run
    /// at the same time, one on each core.
    pub fn with_passes(&self, passes: usize, estimate: JobEstimate) -> JobEstimate {
        let seconds = estimate.seconds + (passes * self.round) as f64 * self.evaluation;
        JobEstimate { evaluations: estimate.evaluations + passes, seconds, ..estimate }
    }
}

/// Quantities that determine the memory of one pass.
#[derive(Clone, Copy, PartialEq, Eq)]
struct PassSize {
    /// Parameters of the network.
    parameters: usize,
    /// Values of one sample.
    values: usize,
    /// Samples of the pass.
    images: usize,
}

/// Bytes of one pass of this size: the largest growth of memory measured so far. An allocator may serve a later pass
/// from memory that it has not returned to the system, so that nothing grows; the first measurement then still holds.
fn pass_bytes(size: PassSize, growth: u64) -> u64 {
    static LARGEST: Mutex<Vec<(PassSize, u64)>> = Mutex::new(Vec::new());
    let mut largest = LARGEST.lock();
    if let Some((_, bytes)) = largest.iter_mut().find(|(known, _)| *known == size) {
        *bytes = growth.max(*bytes);
        return *bytes;
    }
    largest.push((size, growth));
    growth
}

/// Number of passes of `pass` bytes that may run in parallel with `free` bytes available; at least one.
fn fitting_passes(free: u64, pass: u64) -> usize {
    ((free as f64 * MEMORY_SHARE) / pass.max(1) as f64).max(1.0) as usize
}

/// Median seconds of a round. The first rounds are slow, because memory is fetched and cores wake up.
fn seconds_per_round(round: &mut dyn FnMut() -> Result<()>) -> Result<f64> {
    let (begun, mut rounds) = (Instant::now(), Vec::new());
    while rounds.len() < 3 || (begun.elapsed() < MEASURE && rounds.len() < 100) {
        let start = Instant::now();
        round()?;
        rounds.push(start.elapsed().as_secs_f64());
    }
    rounds.sort_by(f64::total_cmp);
    rounds.get(rounds.len() / 2).copied().ok_or_else(|| Error::internal("no pass was measured"))
}

/// Evaluates the full model at `count` points.
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

/// Seconds per created model, extrapolated from one unlearning step.
fn step(unlearning: &Unlearning<'_>, check: &mut dyn FnMut() -> Result<()>) -> Result<f64> {
    let mut times = Vec::new();
    let begun = Instant::now();
    let stopped = unlearning.run(None, &mut |_| {
        check()?;
        times.push(begun.elapsed().as_secs_f64());
        // The first step warms the memory; the second is like all others. Where the first is long, that hardly matters.
        let enough = times.len() >= 2 || times.last().is_some_and(|seconds| *seconds > LONG_STEP);
        if enough { Err(Error::Cancelled) } else { Ok(()) }
    });
    match (stopped, times.as_slice()) {
        (Err(Error::Cancelled), [first, second]) => {
            check()?;
            Ok(first + (second - first) * (unlearning.recipe.steps.saturating_sub(1)) as f64)
        }
        (Err(Error::Cancelled), [only]) => {
            check()?;
            Ok(only * unlearning.recipe.steps as f64)
        }
        (Ok(_), times) => Ok(times.last().copied().unwrap_or(0.0)),
        (Err(error), _) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_that_reuses_memory_is_as_large_as_it_was_before() {
        let size = PassSize { parameters: 11, values: 13, images: 17 };
        let other = PassSize { images: 18, ..size };
        assert_eq!(pass_bytes(size, 500), 500);
        assert_eq!(pass_bytes(size, 0), 500, "served from memory that the allocator held back");
        assert_eq!(pass_bytes(size, 700), 700);
        assert_eq!(pass_bytes(other, 0), 0);
    }

    #[test]
    fn passes_side_by_side_take_half_of_the_free_memory() {
        assert_eq!(fitting_passes(1000, 100), 5);
        assert_eq!(fitting_passes(1000, 4000), 1, "one pass is tried in any case");
        assert!(fitting_passes(1000, 0) >= 500);
    }
}
