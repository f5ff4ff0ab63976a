//! The quality gate over all groups: what each model forgot and retained, measured once and stored.

use serde_json::{Value, json};

use whence_base::Result;
use whence_data::Dataset;
use whence_diffusion::{GroupConditions, Pipeline};
use whence_methods::{Counterfactuals, Report};
use whence_store::{Kind, Store};
use whence_training::unlearning::{Forget, Split};
use whence_training::unlearning::{GATE_TIMESTEPS, Gate, GateImages, GateReference, Judgement};

/// Judges models without a group.
pub struct Gates<'a> {
    model: &'a Pipeline,
    dataset: &'a Dataset,
    conditions: &'a GroupConditions,
    store: &'a Store,
    /// Fraction of each group that is held out from unlearning.
    held_out: f64,
    reference: Option<GateReference>,
}

impl<'a> Gates<'a> {
    /// A gate for models derived from this one, with this share of each group held out.
    pub fn new(
        model: &'a Pipeline,
        dataset: &'a Dataset,
        conditions: &'a GroupConditions,
        store: &'a Store,
        held_out: f64,
    ) -> Self {
        Self { model, dataset, conditions, store, held_out, reference: None }
    }

    /// Number of network evaluations that [`judge_all`](Self::judge_all) would need.
    ///
    /// # Errors
    /// Those of the models.
    pub fn cost(
        &self,
        groups: &[usize],
        models: &mut dyn Counterfactuals,
        mut retrained: Option<&mut dyn Counterfactuals>,
    ) -> Result<usize> {
        let mut images = 0;
        for &group in groups {
            let Some((forget, own)) = self.images(group) else { continue };
            let both = own.forget.len() + own.others.len();
            let known = |other: Option<String>, rise| {
                other.and_then(|other| self.stored::<Judgement>(&self.inputs(&forget, &other, rise)))
            };
            let truth = match &mut retrained {
                Some(retrained) if retrained.is_ready(group) => Some(known(retrained.identity(group)?, None)),
                _ => None,
            };
            // A model is judged relative to the retrained one, so its judgement also needs that of the retrained one.
            let own_known = match &truth {
                Some(None) => false,
                Some(Some(truth)) => known(models.identity(group)?, Some(truth.forget.rise)).is_some(),
                None => known(models.identity(group)?, None).is_some(),
            };
            let missing = usize::from(!own_known) + usize::from(matches!(truth, Some(None)));
            // Each model on its own images, and the full one on the group's once.
            images += missing * both + if missing > 0 { own.forget.len() } else { 0 };
        }
        Ok(images * GATE_TIMESTEPS)
    }

    /// A group and the images its model is judged on; `None` if the group is too small to hold any out.
    fn images(&self, group: usize) -> Option<(Forget, GateImages)> {
        let forget = Forget::group(self.dataset, group);
        let split = Split::new(self.dataset, &forget, self.held_out);
        let images = GateImages::new(self.dataset, &split)?;
        Some((forget, images))
    }

    fn inputs(&self, forget: &Forget, other: &str, retrained_rise: Option<f64>) -> Value {
        json!({
            "model": self.model.hash(),
            "dataset": self.dataset.hash(),
            "group": forget.name(),
            "other": other,
            "held_out": self.held_out,
            "retrained_rise": retrained_rise,
            "classes": self.conditions.id(),
        })
    }

    /// Judges the model without each group, relative to a retrained one if available; `None` if a group is too small to
    /// hold images out.
    ///
    /// # Errors
    /// Those of models, devices, the store and the report.
    pub fn judge_all(
        &mut self,
        groups: &[usize],
        models: &mut dyn Counterfactuals,
        mut retrained: Option<&mut dyn Counterfactuals>,
        report: &mut dyn Report,
    ) -> Result<Vec<Option<Judgement>>> {
        let mut judged = Vec::with_capacity(groups.len());
        for &group in groups {
            let rise = match &mut retrained {
                Some(retrained) if retrained.is_ready(group) => {
                    self.judge(group, &mut **retrained, None, report)?.map(|j| j.forget.rise)
                }
                _ => None,
            };
            judged.push(self.judge(group, models, rise, report)?);
        }
        Ok(judged)
    }

    fn judge(
        &mut self,
        group: usize,
        models: &mut dyn Counterfactuals,
        retrained_rise: Option<f64>,
        report: &mut dyn Report,
    ) -> Result<Option<Judgement>> {
        let Some((forget, images)) = self.images(group) else { return Ok(None) };
        if models.identity(group)?.is_none() {
            models.without(group, report)?;
        }
        let identity = models
            .identity(group)?
            .ok_or_else(|| whence_base::Error::internal("a model that was made is not there"))?;
        let inputs = self.inputs(&forget, &identity, retrained_rise);
        if let Some(known) = self.stored(&inputs) {
            return Ok(Some(known));
        }
        let gate = Gate {
            dataset: self.dataset,
            schedule: self.model.schedule(),
            codec: self.model.codec(),
            conditions: self.conditions,
        };
        let mut reference = match self.reference.take() {
            Some(reference) => reference,
            None => self.stored(&self.reference_inputs()).unwrap_or_default(),
        };
        let what = format!("gate: the full model on {}", forget.name());
        gate.refer(&mut reference, self.model, &images, &mut |d, t| report.within(&what, d, t))?;
        self.save(&self.reference_inputs(), &reference)?;
        let other = models.without(group, report)?;
        let what = format!("gate: the model without {}", forget.name());
        let judged = gate.judge(&reference, &other, &images, retrained_rise, &mut |d, t| report.within(&what, d, t));
        self.reference = Some(reference);
        let judged = judged?;
        self.save(&inputs, &judged)?;
        Ok(Some(judged))
    }

    fn reference_inputs(&self) -> Value {
        json!({
            "model": self.model.hash(),
            "dataset": self.dataset.hash(),
            "classes": self.conditions.id(),
            "full": true,
        })
    }

    fn stored<T: serde::de::DeserializeOwned>(&self, inputs: &Value) -> Option<T> {
        serde_json::from_slice(&self.store.get(Kind::Gate, inputs)?).ok()
    }

    fn save(&self, inputs: &Value, value: &impl serde::Serialize) -> Result<()> {
        let bytes = serde_json::to_vec(value)
            .map_err(|e| whence_base::Error::internal(format!("the quality gate's verdict cannot be encoded: {e}")))?;
        self.store.put_if_writable(Kind::Gate, inputs, &bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counterfactuals::{Imported, Resident};
    use whence_data::LoadOptions;

    struct Deaf;

    impl Report for Deaf {
        fn progress(&mut self, _: &str, _: usize, _: usize) -> Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_was_judged_beside_a_retrained_model_costs_nothing_again() {
        let digits = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/digits");
        let model = Pipeline::load(&digits.join("model"), &burn::tensor::Device::flex()).unwrap();
        let dataset = Dataset::load(&digits.join("images"), &LoadOptions::default(), &mut |_, _| Ok(())).unwrap();
        let conditions = GroupConditions::none(dataset.groups().len());
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let folder = digits.join("retrained");
        let groups: Vec<usize> =
            ["four", "seven"].iter().map(|n| dataset.groups().iter().position(|g| g == n).unwrap()).collect();
        let (mut first, mut second) = (Resident::default(), Resident::default());
        let mut models = Imported { model: &model, dataset: &dataset, folder: &folder, resident: &mut first };
        let mut truth = Imported { model: &model, dataset: &dataset, folder: &folder, resident: &mut second };
        let mut gates = Gates::new(&model, &dataset, &conditions, &store, 0.1);
        let both = gates.cost(&groups, &mut models, Some(&mut truth)).unwrap();
        let alone = gates.cost(&groups, &mut models, None).unwrap();
        assert!(both > alone && alone > 0, "{both} {alone}: the truth is judged too");
        gates.judge_all(&groups, &mut models, Some(&mut truth), &mut Deaf).unwrap();
        assert_eq!(gates.cost(&groups, &mut models, Some(&mut truth)).unwrap(), 0, "all is known");
    }
}
