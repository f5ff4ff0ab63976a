//! The quality gate: whether a model without a group has forgotten it and retained the other groups, on images that no
//! unlearning run trains on. Only predictions are needed, so that unlearned, retrained and imported models are judged
//! alike.

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::judgement::{Change, Judgement};
use super::split::Split;
use whence_base::random::{normals, stream};
use whence_base::{Error, Result};
use whence_data::Dataset;
use whence_diffusion::{Codec, Denoiser, GroupConditions, NoiseSchedule};

/// Number of timesteps per image, with one noise draw each: one network pass on the CPU.
pub const TIMESTEPS: usize = 8;

/// Maximum number of evaluated images of other groups.
const OTHERS: usize = 64;

/// The images that one model is judged on: indices, ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateImages {
    /// To be forgotten.
    pub forget: Vec<usize>,
    /// Other images, evenly distributed over their groups.
    pub others: Vec<usize>,
}

impl GateImages {
    /// The held-out images; `None` if there are too few images to hold any out.
    pub fn new(dataset: &Dataset, split: &Split) -> Option<Self> {
        let mut rounds: Vec<(usize, usize)> = Vec::new();
        let mut seen = BTreeMap::<_, usize>::new();
        for &image in &split.held_others {
            let round = seen.entry(dataset.group_of(image)).or_default();
            rounds.push((*round, image));
            *round += 1;
        }
        rounds.sort_unstable();
        let mut others: Vec<usize> = rounds.into_iter().take(OTHERS).map(|(_, image)| image).collect();
        others.sort_unstable();
        let forget = split.held_forget.clone();
        (!forget.is_empty() && !others.is_empty()).then_some(Self { forget, others })
    }
}

/// The full model's errors, by index of the image. Computed once for a model and a dataset, whatever is
/// forgotten.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GateReference {
    errors: BTreeMap<usize, f64>,
}

/// Compares models on images of a dataset.
#[derive(Clone, Copy)]
pub struct Gate<'a> {
    /// Training images.
    pub dataset: &'a Dataset,
    /// The models' noise schedule.
    pub schedule: &'a NoiseSchedule,
    /// The codec between images and the models' samples.
    pub codec: &'a Codec,
    /// The condition of each group's images.
    pub conditions: &'a GroupConditions,
}

impl Gate<'_> {
    /// Adds the full model's missing errors on these images to `reference`. `progress` receives the completed and total
    /// number of images; its error stops the work.
    ///
    /// # Errors
    /// A failing device, predictions that are not finite, and those of `progress`.
    pub fn refer(
        &self,
        reference: &mut GateReference,
        full: &dyn Denoiser,
        images: &GateImages,
        progress: &mut dyn FnMut(usize, usize) -> Result<()>,
    ) -> Result<()> {
        let all = images.forget.iter().chain(&images.others).copied();
        let missing: Vec<usize> = all.filter(|i| !reference.errors.contains_key(i)).collect();
        let errors = self.errors(full, &missing, progress)?;
        reference.errors.extend(missing.into_iter().zip(errors));
        Ok(())
    }

    /// Judges a model against the full model's errors from [`refer`](Self::refer). `retrained_rise` is a retrained
    /// model's `forget.rise` on the same images.
    ///
    /// # Errors
    /// As [`refer`](Self::refer), and a reference that lacks one of the images.
    pub fn judge(
        &self,
        reference: &GateReference,
        model: &dyn Denoiser,
        images: &GateImages,
        retrained_rise: Option<f64>,
        progress: &mut dyn FnMut(usize, usize) -> Result<()>,
    ) -> Result<Judgement> {
        let all = [images.forget.as_slice(), &images.others].concat();
        let after = self.errors(model, &all, progress)?;
        let pairs: Vec<(f64, f64)> =
            all.iter().zip(after).filter_map(|(image, a)| Some((*reference.errors.get(image)?, a))).collect();
        let (forget, others) = match pairs.split_at_checked(images.forget.len()) {
            Some((forget, others)) if pairs.len() == all.len() && !forget.is_empty() && !others.is_empty() => {
                (Change::new(forget), Change::new(others))
            }
            _ => return Err(Error::internal("the full model's errors are incomplete in the quality gate")),
        };
        Ok(Judgement::new(forget, others, retrained_rise))
    }

    /// Mean squared error of the predicted noise on each image.
    fn errors(
        &self,
        model: &dyn Denoiser,
        images: &[usize],
        progress: &mut dyn FnMut(usize, usize) -> Result<()>,
    ) -> Result<Vec<f64>> {
        let at_once = model.passes().at_once;
        let mut errors = Vec::with_capacity(images.len());
        progress(0, images.len())?;
        for some in images.chunks(at_once.max(1)) {
            let one = |&image: &usize| self.error(model, image);
            // A GPU is used by one thread only.
            let found: Result<Vec<f64>> =
                if at_once > 1 { some.par_iter().map(one).collect() } else { some.iter().map(one).collect() };
            errors.extend(found?);
            progress(errors.len(), images.len())?;
        }
        Ok(errors)
    }

    fn error(&self, model: &dyn Denoiser, index: usize) -> Result<f64> {
        let pixels = self.dataset.pixels(index);
        let image = self.codec.encode(pixels);
        let timesteps: Vec<usize> =
            (0..TIMESTEPS).map(|i| (2 * i + 1) * self.schedule.len() / (2 * TIMESTEPS)).collect();
        let noises: Vec<Vec<f32>> = timesteps.iter().map(|t| normals(&mut noise_of(pixels, *t), image.len())).collect();
        let x: Vec<f32> =
            noises.iter().zip(&timesteps).flat_map(|(e, t)| self.schedule.add_noise(&image, e, *t)).collect();
        let condition = self.conditions.of_group(self.dataset.group_of(index))?;
        let predicted = model.predict_noise(&x, &timesteps, &[condition; TIMESTEPS])?;
        let squares = noises.iter().flatten().zip(&predicted).map(|(e, p)| (f64::from(*e) - f64::from(*p)).powi(2));
        let error = squares.sum::<f64>() / x.len() as f64;
        if error.is_finite() {
            return Ok(error);
        }
        Err(Error::input(
            "the model predicts numbers that are not finite",
            "quality gate",
            "its weights are damaged or its training diverged: use another checkpoint",
        ))
    }
}

/// Noise and timesteps of an image, the same for all models.
fn noise_of(pixels: &[u8], t: usize) -> ChaCha8Rng {
    stream("whence 2026 quality gate", 0, pixels, t as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unlearning::tests::digits;
    use crate::unlearning::{Forget, Forgetting, Retention};
    use whence_data::ImageShape;
    use whence_diffusion::{Condition, SchedulerConfig};
    use whence_nn::SampleShape;

    /// A denoiser that knows the noise of every image and predicts it with exactly the given error.
    struct Oracle {
        shape: ImageShape,
        known: BTreeMap<Vec<u32>, (Vec<f32>, f64)>,
    }

    impl Oracle {
        fn new(gate: &Gate<'_>, error_of: impl Fn(usize) -> f64) -> Self {
            let mut known = BTreeMap::new();
            for image in 0..gate.dataset.len() {
                let pixels = gate.dataset.pixels(image);
                for t in 0..gate.schedule.len() {
                    if t % 125 == 62 {
                        let noise = normals(&mut noise_of(pixels, t), pixels.len());
                        let noisy = gate.schedule.add_noise(&gate.codec.encode(pixels), &noise, t);
                        known.insert(noisy.iter().map(|v| v.to_bits()).collect(), (noise, error_of(image)));
                    }
                }
            }
            Self { shape: gate.dataset.shape(), known }
        }
    }

    impl Denoiser for Oracle {
        fn predict_noise(&self, x: &[f32], timesteps: &[usize], _: &[Condition]) -> Result<Vec<f32>> {
            assert_eq!(timesteps, [62, 187, 312, 437, 562, 687, 812, 937]);
            Ok(x.chunks(self.shape.numel())
                .flat_map(|x| {
                    let (noise, error) = &self.known[&x.iter().map(|v| v.to_bits()).collect::<Vec<u32>>()];
                    noise.iter().map(|e| e + error.sqrt() as f32)
                })
                .collect())
        }

        fn shape(&self) -> SampleShape {
            whence_diffusion::sample_shape(self.shape)
        }
    }

    fn judge(forgotten: f64, others: impl Fn(usize) -> f64, retrained: Option<f64>) -> Judgement {
        let dataset = digits();
        let schedule = NoiseSchedule::new(&SchedulerConfig::default()).unwrap();
        let codec = Codec::Identity { image: dataset.shape() };
        let conditions = GroupConditions::none(dataset.groups().len());
        let gate = Gate { dataset: &dataset, schedule: &schedule, codec: &codec, conditions: &conditions };
        let forget = Forget::group(&dataset, 2);
        let images = GateImages::new(&dataset, &Split::new(&dataset, &forget, 0.2)).unwrap();
        assert_eq!((images.forget.len(), images.others.len()), (4, 36));
        // Images differ in difficulty, which pairing removes.
        let base = |i: usize| 0.1 + 0.01 * (i % 7) as f64;
        let full = Oracle::new(&gate, base);
        let without = Oracle::new(&gate, |i| base(i) * if forget.contains(i) { forgotten } else { others(i) });
        let mut reference = GateReference::default();
        gate.refer(&mut reference, &full, &images, &mut |_, _| Ok(())).unwrap();
        let judgement = gate.judge(&reference, &without, &images, retrained, &mut |_, _| Ok(())).unwrap();
        let again: Judgement = serde_json::from_str(&serde_json::to_string(&judgement).unwrap()).unwrap();
        assert_eq!(again, judgement);
        judgement
    }

    #[test]
    fn a_known_rise_is_found_and_judged() {
        let good = judge(1.41, |_| 1.006, Some(0.38));
        assert!((good.forget.rise - 0.41).abs() < 1e-5 && (good.others.rise - 0.006).abs() < 1e-5, "{good:?}");
        assert!(good.forget.std_err.unwrap() < 1e-6, "all rise alike");
        assert!(good.passed());
        assert_eq!(
            good.sentence("hatching"),
            "forgot hatching (error up 41 %, retrained: 38 %), kept the others (up 0.6 %)"
        );
        let bad = judge(0.98, |_| 1.12, None);
        assert_eq!((bad.forgetting, bad.retention), (Forgetting::ForgotTooLittle, Retention::Damaged));
        assert_eq!(bad.sentence("neon"), "forgot neon too little (error down 2.0 %), damaged the others (up 12 %)");
        assert_eq!(judge(1.05, |_| 1.0, Some(0.4)).forgetting, Forgetting::ForgotTooLittle, "an eighth of retrained");
    }

    #[test]
    fn a_rise_within_its_error_is_no_damage() {
        // A quarter of the images rise by 40 %: 10% on average, with a standard error of about 3%.
        let unsure = judge(1.5, |i| if i % 4 == 0 { 1.4 } else { 1.0 }, None);
        let error = unsure.others.std_err.unwrap();
        assert!((0.02..0.045).contains(&error), "{unsure:?}");
        assert_eq!(unsure.retention == Retention::Damaged, unsure.others.rise - 2.0 * error > 0.05);
        assert_eq!(judge(1.5, |i| if i % 2 == 0 { 2.0 } else { 0.0 }, None).retention, Retention::Retained);
    }

    #[test]
    fn an_incomplete_reference_is_refused() {
        let dataset = digits();
        let schedule = NoiseSchedule::new(&SchedulerConfig::default()).unwrap();
        let codec = Codec::Identity { image: dataset.shape() };
        let conditions = GroupConditions::none(dataset.groups().len());
        let gate = Gate { dataset: &dataset, schedule: &schedule, codec: &codec, conditions: &conditions };
        let images = GateImages { forget: vec![0], others: vec![100] };
        let oracle = Oracle::new(&gate, |_| 0.1);
        let judgement = gate.judge(&GateReference::default(), &oracle, &images, None, &mut |_, _| Ok(()));
        assert!(judgement.unwrap_err().to_string().contains("incomplete"));
    }
}
