//! The quality gate over all groups: what each model forgot and kept, measured once and stored.

use serde_json::{Value, json};

use crate::attribution::{Counterfactuals, Report};
use crate::dataset::Dataset;
use crate::diffusion::Model;
use crate::error::Result;
use crate::store::{Kind, Store};
use crate::unlearning::{Forget, Split};
use crate::unlearning::{GATE_TIMESTEPS, Gate, GatePictures, GateReference, Judgement};

/// Judges models without a group.
pub struct Gates<'a> {
    model: &'a Model,
    dataset: &'a Dataset,
    store: &'a Store,
    /// Share of each group that no unlearning sees.
    held_out: f64,
    reference: Option<GateReference>,
}

impl<'a> Gates<'a> {
    /// A gate for models made from this one, with this share of each group held out.
    pub fn new(model: &'a Model, dataset: &'a Dataset, store: &'a Store, held_out: f64) -> Self {
        Self { model, dataset, store, held_out, reference: None }
    }

    /// Network evaluations that judging these groups takes.
    ///
    /// # Errors
    /// Those of the models.
    pub fn cost(&self, groups: &[usize], models: &mut dyn Counterfactuals) -> Result<usize> {
        let mut pictures = 0;
        let mut missing = 0;
        for &group in groups {
            let Some((forget, own)) = self.pictures(group) else { continue };
            if self.stored::<Judgement>(&self.inputs(&forget, &models.identity(group)?, None)).is_none() {
                pictures += own.forget.len() + own.others.len();
                missing += own.forget.len();
            }
        }
        // Each model on its own pictures, and the full one on the groups' pictures once.
        Ok((pictures + missing) * GATE_TIMESTEPS)
    }

    /// A group and the pictures its model is judged on; none where the group is too small to hold any out.
    fn pictures(&self, group: usize) -> Option<(Forget, GatePictures)> {
        let forget = Forget::group(self.dataset, group);
        let split = Split::new(self.dataset, &forget, self.held_out);
        let pictures = GatePictures::new(self.dataset, &split)?;
        Some((forget, pictures))
    }

    fn inputs(&self, forget: &Forget, other: &str, retrained_rise: Option<f64>) -> Value {
        json!({
            "model": self.model.hash(),
            "dataset": self.dataset.hash(),
            "group": forget.name(),
            "other": other,
            "held_out": self.held_out,
            "retrained_rise": retrained_rise,
        })
    }

    /// Judges the model without each group, beside a retrained one where that is at hand; nothing where a group is too
    /// small to hold pictures out.
    ///
    /// # Errors
    /// Those of models, devices, the store and whoever is told.
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
        let Some((forget, pictures)) = self.pictures(group) else { return Ok(None) };
        let inputs = self.inputs(&forget, &models.identity(group)?, retrained_rise);
        if let Some(known) = self.stored(&inputs) {
            return Ok(Some(known));
        }
        let gate = Gate { dataset: self.dataset, schedule: self.model.schedule(), classes: self.model.classes() };
        let mut reference = match self.reference.take() {
            Some(reference) => reference,
            None => self.stored(&self.reference_inputs()).unwrap_or_default(),
        };
        let what = format!("gate: the full model on {}", forget.name());
        gate.refer(&mut reference, self.model, &pictures, &mut |d, t| report.within(&what, d, t))?;
        self.keep(&self.reference_inputs(), &reference)?;
        let other = models.without(group, report)?;
        let what = format!("gate: the model without {}", forget.name());
        let judged = gate.judge(&reference, &other, &pictures, retrained_rise, &mut |d, t| report.within(&what, d, t));
        self.reference = Some(reference);
        let judged = judged?;
        self.keep(&inputs, &judged)?;
        Ok(Some(judged))
    }

    fn reference_inputs(&self) -> Value {
        json!({ "model": self.model.hash(), "dataset": self.dataset.hash(), "full": true })
    }

    fn stored<T: serde::de::DeserializeOwned>(&self, inputs: &Value) -> Option<T> {
        serde_json::from_slice(&self.store.get(Kind::Gate, inputs)?).ok()
    }

    fn keep(&self, inputs: &Value, value: &impl serde::Serialize) -> Result<()> {
        let bytes =
            serde_json::to_vec(value).map_err(|e| crate::Error::input(e.to_string(), "quality gate", "report this"))?;
        self.store.put(Kind::Gate, inputs, &bytes).map(|_| ())
    }
}
