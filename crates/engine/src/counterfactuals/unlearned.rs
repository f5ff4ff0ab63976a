//! Models unlearned on demand and stored as differences from the full model.

use std::cell::OnceCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Resident;
use whence_base::{Error, Result};
use whence_data::Dataset;
use whence_diffusion::{GroupConditions, Pipeline};
use whence_methods::{Counterfactuals, Report};
use whence_nn::ParameterSelection;
use whence_nn::delta::{self, DeltaPrecision};
use whence_store::{Kind, Store, key_of};
use whence_training::unlearning::{
    Forget, GroupNeighbours, Outcome, Recipe, Unlearning, UnlearningState, UnlearningStep, objective,
};

/// Saving an unfinished unlearning takes at most this fraction (one part in so many) of the time; with small networks
/// every step is saved.
const SAVE_SHARE: u32 = 20;

/// Models unlearned on demand and stored. Group indices beyond the dataset's groups denote random control groups, with
/// the sizes of the dataset's groups in turn.
pub struct Unlearned<'a> {
    pub model: &'a Pipeline,
    pub dataset: &'a Dataset,
    /// The condition of each group's images.
    pub conditions: &'a GroupConditions,
    /// A resolved recipe.
    pub recipe: &'a Recipe,
    pub store: &'a Store,
    pub resident: &'a mut Resident,
    pub neighbours: SharedNeighbours,
}

/// The nearest images outside each group that a recipe needs, found or read when they are first needed, once for all
/// who share them: recipes of one dataset, objective and held-out share.
#[derive(Clone, Default)]
pub struct SharedNeighbours(Rc<OnceCell<Option<GroupNeighbours>>>);

impl SharedNeighbours {
    /// The neighbours; `None` if the objective needs none.
    ///
    /// # Errors
    /// Unknown objectives, those of the store and of the report.
    pub fn get(
        &self,
        store: &Store,
        dataset: &Dataset,
        recipe: &Recipe,
        report: &mut dyn Report,
    ) -> Result<Option<&GroupNeighbours>> {
        if self.0.get().is_none() {
            let _ = self.0.set(group_neighbours(store, dataset, recipe, report)?);
        }
        Ok(self.0.get().and_then(Option::as_ref))
    }
}

/// Metadata stored with a weight difference.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    stopped_at: Option<(usize, String)>,
}

impl Unlearned<'_> {
    fn forget(&self, group: usize) -> Forget {
        let groups = self.dataset.groups().len();
        match group.checked_sub(groups) {
            None => Forget::group(self.dataset, group),
            Some(number) => {
                let count = self.dataset.indices_of(number % groups.max(1)).len();
                Forget::random(self.dataset, count, number as u64)
            }
        }
    }

    fn inputs(&self, group: usize) -> Value {
        let forget = self.forget(group);
        // Two random control groups may share a name; their images distinguish them.
        let mut images = blake3::Hasher::new();
        for index in forget.indices() {
            images.update(&(*index as u64).to_le_bytes());
        }
        json!({
            "model": self.model.hash(),
            "dataset": self.dataset.hash(),
            "group": forget.name(),
            "pictures": images.finalize().to_hex().as_str(),
            "recipe": self.recipe,
            "precision": DeltaPrecision::default(),
            "objective_revision": whence_training::unlearning::revision_of(&self.recipe.objective),
            "classes": self.conditions.id(),
        })
    }

    /// The store key of the model without this group.
    pub fn key(&self, group: usize) -> String {
        key_of(Kind::Counterfactual, &self.inputs(group))
    }

    /// The model of a stored difference. The stored weights are always used, so that the first run and every later one
    /// score the same weights.
    fn decoded(&self, content: &[u8]) -> Result<(Head, Pipeline)> {
        let damaged = || Error::input("its head is damaged", "the stored model", "it is computed again");
        let (length, body) = content.split_first_chunk::<4>().ok_or_else(damaged)?;
        let (head, delta) = body.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(damaged)?;
        let head: Head = serde_json::from_slice(head).map_err(|_| damaged())?;
        let network = delta::decode(&self.model.network, delta, &ParameterSelection::All)?;
        Ok((head, self.model.with_network(network)))
    }

    fn encoded(&self, outcome: &Outcome) -> Result<Vec<u8>> {
        let head = serde_json::to_vec(&Head { stopped_at: outcome.stopped_at.clone() })
            .map_err(|e| Error::internal(e.to_string()))?;
        let delta = delta::encode(
            &self.model.network,
            &outcome.model.network,
            DeltaPrecision::default(),
            &ParameterSelection::All,
        )?;
        let mut content = Vec::with_capacity(4 + head.len() + delta.len());
        content.extend((head.len() as u32).to_le_bytes());
        content.extend(head);
        content.extend(delta);
        Ok(content)
    }

    /// Unlearns, resuming where an earlier run was stopped.
    fn unlearn(&self, group: usize, inputs: &Value, report: &mut dyn Report) -> Result<Outcome> {
        let state = self.store.open_content(Kind::Unfinished, inputs).and_then(|content| {
            let length = content.len();
            UnlearningState::open(content, length).ok()
        });
        let mut saved = Instant::now();
        let mut pause = Duration::ZERO;
        self.unlearn_from(state, group, report, &mut |(step, stopping)| {
            // An interrupted step is stored too: the run resumes from it.
            if (saved.elapsed() >= pause || stopping) && step.step < step.steps {
                let begun = Instant::now();
                self.store.put_with(Kind::Unfinished, inputs, |out| step.write_state(out))?;
                saved = Instant::now();
                pause = begun.elapsed() * SAVE_SHARE;
            }
            Ok(())
        })
    }

    /// Unlearns; `after` receives each step and whether the report stops the work there.
    fn unlearn_from(
        &self,
        state: Option<UnlearningState>,
        group: usize,
        report: &mut dyn Report,
        after: &mut dyn FnMut((&UnlearningStep<'_>, bool)) -> Result<()>,
    ) -> Result<Outcome> {
        let forget = self.forget(group);
        let is_group = group < self.dataset.groups().len();
        let (model, dataset, recipe) = (self.model, self.dataset, self.recipe);
        let neighbours = if is_group { self.neighbours.get(self.store, dataset, recipe, report)? } else { None };
        let unlearning =
            Unlearning { model, dataset, conditions: self.conditions, forget: &forget, recipe, neighbours };
        unlearning.run(state, &mut |step: UnlearningStep<'_>| {
            let reported = report.unlearning(group, &step);
            after((&step, reported.is_err()))?;
            reported
        })
    }
}

/// Neighbours from the store, or found and stored.
fn group_neighbours(
    store: &Store,
    dataset: &Dataset,
    recipe: &Recipe,
    report: &mut dyn Report,
) -> Result<Option<GroupNeighbours>> {
    let default = objective(&recipe.objective)?.default_neighbours();
    if default == 0 {
        return Ok(None);
    }
    let (share, count) = (recipe.held_out, recipe.neighbours.unwrap_or(default).max(1));
    let inputs = json!({ "dataset": dataset.hash(), "held_out": share, "count": count });
    let cached = store.get(Kind::Neighbours, &inputs);
    if let Some(known) = cached.and_then(|bytes| GroupNeighbours::from_bytes(dataset, share, count, &bytes)) {
        return Ok(Some(known));
    }
    let found = GroupNeighbours::find(dataset, share, count, &mut |d, t| report.within("nearest images", d, t))?;
    store.put_if_writable(Kind::Neighbours, &inputs, &found.to_bytes())?;
    Ok(Some(found))
}

impl<'a> Unlearned<'a> {
    /// Models unlearned from this one by a resolved recipe, stored in this store.
    pub fn new(
        model: &'a Pipeline,
        dataset: &'a Dataset,
        conditions: &'a GroupConditions,
        recipe: &'a Recipe,
        store: &'a Store,
        resident: &'a mut Resident,
    ) -> Self {
        Self { model, dataset, conditions, recipe, store, resident, neighbours: SharedNeighbours::default() }
    }

    /// The same, with neighbours that others use too.
    pub fn sharing(self, neighbours: &SharedNeighbours) -> Self {
        Self { neighbours: neighbours.clone(), ..self }
    }

    /// Unlearns a group from the first step, whether its model is stored or not, and reports each step. A model that
    /// was not stored yet is stored then.
    ///
    /// # Errors
    /// Those of the unlearning and of the report.
    pub fn again(&mut self, group: usize, report: &mut dyn Report) -> Result<()> {
        let inputs = self.inputs(group);
        let outcome = self.unlearn_from(None, group, report, &mut |_| Ok(()))?;
        if !self.is_ready(group) {
            let content = self.encoded(&outcome)?;
            self.store.put(Kind::Counterfactual, &inputs, &content)?;
        }
        Ok(())
    }
}

impl Counterfactuals for Unlearned<'_> {
    fn without(&mut self, group: usize, report: &mut dyn Report) -> Result<Pipeline> {
        let key = self.key(group);
        // A model in memory may come from another store, and the checks read this one.
        if let Some(model) = self.resident.get(&key).filter(|_| self.is_ready(group)) {
            return Ok(model);
        }
        let inputs = self.inputs(group);
        let cached = self.store.get(Kind::Counterfactual, &inputs).map(|content| self.decoded(&content));
        let (head, model) = match cached {
            Some(Ok(cached)) => cached,
            other => {
                if let Some(Err(error)) = other {
                    tracing::warn!("{error}");
                }
                let content = self.encoded(&self.unlearn(group, &inputs, report)?)?;
                self.store.put(Kind::Counterfactual, &inputs, &content)?;
                self.store.remove(Kind::Unfinished, &key_of(Kind::Unfinished, &inputs))?;
                self.decoded(&content)?
            }
        };
        if let Some((step, why)) = head.stopped_at {
            report.warn(format!("unlearning {} was stopped at step {step}: {why}", self.name(group)));
        }
        self.resident.insert(key, model.clone());
        Ok(model)
    }

    fn identity(&mut self, group: usize) -> Result<Option<String>> {
        // Of the content, not of what it was computed from: a model that is recreated elsewhere may differ in the last
        // bits.
        let sum = self.store.checksum(Kind::Counterfactual, &self.key(group));
        Ok(sum.map(|sum| format!("unlearned {sum}")))
    }

    fn name(&self, group: usize) -> String {
        self.forget(group).name().to_owned()
    }

    fn is_ready(&self, group: usize) -> bool {
        let key = self.key(group);
        self.store.contains(Kind::Counterfactual, &key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use whence_data::LoadOptions;

    /// Counts the searches for neighbours.
    #[derive(Default)]
    struct Searches(usize);

    impl Report for Searches {
        fn progress(&mut self, _: &str, _: usize, _: usize) -> Result<()> {
            Ok(())
        }

        fn within(&mut self, _: &str, done: usize, total: usize) -> Result<()> {
            self.0 += usize::from(done == total);
            Ok(())
        }
    }

    #[test]
    fn neighbours_are_read_once_for_all_who_share_them() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/digits/images");
        let dataset = Dataset::load(&folder, &LoadOptions::default(), &mut |_, _| Ok(())).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let recipe = Recipe { objective: "retrack".into(), ..Recipe::default() };
        let shared = SharedNeighbours::default();
        let mut searches = Searches::default();
        let found = shared.get(&store, &dataset, &recipe, &mut searches).unwrap().unwrap().to_bytes();
        let first = searches.0;
        assert!(first > 0);
        // Sources that do not share neighbours read the stored copy; without it they would have to search again.
        SharedNeighbours::default().get(&store, &dataset, &recipe, &mut searches).unwrap();
        assert_eq!(searches.0, first, "kept");
        for key in store.keys(Kind::Neighbours) {
            store.remove(Kind::Neighbours, &key).unwrap();
        }
        let other = Recipe { seed: 1, ..recipe };
        let again = shared.clone().get(&store, &dataset, &other, &mut searches).unwrap().unwrap().to_bytes();
        assert!(found == again && searches.0 == first, "shared");
        let none = SharedNeighbours::default();
        assert!(none.get(&store, &dataset, &Recipe::default(), &mut searches).unwrap().is_none(), "hinge needs none");
    }

    #[test]
    fn a_model_in_memory_from_one_store_is_stored_in_another_too() {
        let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/digits");
        let dataset = Dataset::load(&fixtures.join("images"), &LoadOptions::default(), &mut |_, _| Ok(())).unwrap();
        let model = Pipeline::load(&fixtures.join("model"), &burn::tensor::Device::flex()).unwrap();
        let conditions = GroupConditions::none(dataset.groups().len());
        let recipe = Recipe { steps: 1, batch: 2, learning_rate: Some(1e-4), ..Recipe::default() };
        let (folder, mut resident) = (tempfile::tempdir().unwrap(), Resident::default());
        for name in ["first", "second"] {
            let store = Store::open(&folder.path().join(name)).unwrap();
            let mut models = Unlearned::new(&model, &dataset, &conditions, &recipe, &store, &mut resident);
            models.without(4, &mut Searches::default()).unwrap();
            assert!(models.identity(4).unwrap().is_some(), "the {name} store has the model");
        }
    }
}
