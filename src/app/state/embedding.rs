//! The embedding maps that are known, and what is known of those that are not made yet.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Job, State};
use whence_data::Dataset;
use whence_jobs::{EmbedChoice, EmbedJob, EmbedVectors, Embedding, JobEstimate, JobSpec, QuerySource};

/// A map that takes less than this is made without asking, seconds.
const AT_ONCE: f64 = 3.0;

/// A map on screen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShownMap {
    /// A point per training image.
    pub points: Arc<Vec<[f32; 2]>>,
    /// The queries on it, by key.
    pub queries: Vec<(u64, [f32; 2])>,
    /// Share of the variance along both axes, for principal components.
    pub explained: Option<[f32; 2]>,
    /// Whether it is finished.
    pub finished: bool,
    /// Changes with the points.
    pub version: u64,
}

/// All maps of the open dataset.
#[derive(Clone, Debug, Default)]
pub struct Embeddings {
    maps: BTreeMap<EmbedChoice, ShownMap>,
    estimates: BTreeMap<EmbedChoice, JobEstimate>,
    /// Maps that were looked up in the store, or whose making was asked for.
    requested: BTreeSet<(EmbedChoice, bool)>,
    /// Queries whose place was asked for.
    placed: BTreeSet<(EmbedChoice, u64)>,
    version: u64,
}

impl Embeddings {
    /// The map of a choice.
    pub fn map(&self, choice: EmbedChoice) -> Option<&ShownMap> {
        self.maps.get(&choice)
    }

    /// What making it takes, where that is known.
    pub fn estimate(&self, choice: EmbedChoice) -> Option<JobEstimate> {
        self.estimates.get(&choice).copied()
    }

    /// Another model is open: maps of features are not its own.
    pub fn forget_features(&mut self) {
        let keep = |choice: &EmbedChoice| choice.vectors == EmbedVectors::Pixels;
        self.maps.retain(|choice, _| keep(choice));
        self.estimates.retain(|choice, _| keep(choice));
        self.requested.retain(|(choice, _)| keep(choice));
        self.placed.retain(|(choice, _)| keep(choice));
    }

    /// The making of a map has ended: it may be asked for again.
    pub fn ended(&mut self, choice: EmbedChoice) {
        if self.maps.get(&choice).is_some_and(|map| !map.finished) {
            self.maps.remove(&choice);
        }
    }

    /// A query that leaves the window leaves the maps.
    pub(super) fn forget_query(&mut self, key: u64) {
        for map in self.maps.values_mut() {
            map.queries.retain(|(other, _)| *other != key);
        }
    }

    pub(super) fn set_estimate(&mut self, choice: EmbedChoice, estimate: JobEstimate) {
        self.estimates.insert(choice, estimate);
    }
}

impl State {
    /// Takes a map that the engine made, unless it is of another dataset.
    pub(in crate::app) fn take_embedding(&mut self, job: &EmbedJob, embedding: Embedding) {
        let fits = |d: &Dataset| d.hash() == embedding.dataset && d.len() == embedding.points.len();
        if !self.dataset.as_ref().is_some_and(fits) {
            return;
        }
        let sources = job.queries.iter().zip(&embedding.queries);
        let placed = sources.filter_map(|(source, point)| {
            let QuerySource::Image { pixels, .. } = source else { return None };
            Some((self.queries.iter().find(|q| q.image.pixels == *pixels)?.key, *point))
        });
        let queries = placed.collect();
        self.embeddings.version += 1;
        let Embedding { choice, points, explained, finished, .. } = embedding;
        let version = self.embeddings.version;
        let map = ShownMap { points: Arc::new(points), queries, explained, finished, version };
        self.embeddings.maps.insert(choice, map);
    }

    /// The job that makes a map, or looks it up.
    pub fn embedding_job(&self, choice: EmbedChoice) -> Option<&Job> {
        let same = |job: &&Job| matches!(&job.spec, JobSpec::Embed(embed) if embed.choice == choice);
        self.jobs.iter().filter(|job| !job.superseded).find(same)
    }

    /// Queries of the dataset's size.
    fn queries_to_place(&self) -> impl Iterator<Item = &super::Query> {
        let shape = self.dataset.as_ref().map(Dataset::shape);
        self.queries.iter().filter(move |q| Some(q.image.shape) == shape)
    }

    /// The job that makes a map, or looks it up. None without a dataset, and for features without a model.
    pub fn embed_job(&self, choice: EmbedChoice, known_only: bool) -> Option<EmbedJob> {
        let dataset = self.dataset.as_ref()?;
        if choice.vectors == EmbedVectors::Bottleneck && self.model.is_none() {
            return None;
        }
        let source =
            |q: &super::Query| QuerySource::Image { name: q.image.name.clone(), pixels: q.image.pixels.clone() };
        Some(EmbedJob {
            model: self.model.as_ref().map(|m| m.path.clone()),
            data: dataset.path().to_owned(),
            group_column: self.group_column(),
            class_map: self.class_map(),
            queries: self.queries_to_place().map(source).collect(),
            choice,
            seed: 0,
            keep_in: self.store(),
            known_only,
        })
    }

    /// What to do for the map on screen by itself: look it up, make it where that is quick, place new queries.
    pub fn next_embed_job(&mut self, choice: EmbedChoice) -> Option<JobSpec> {
        if self.opening || self.dataset.is_none() || self.embedding_job(choice).is_some() {
            return None;
        }
        let own: Vec<u64> = self.queries_to_place().map(|q| q.key).collect();
        let embeddings = &mut self.embeddings;
        let known_only = match embeddings.maps.get(&choice) {
            Some(map) if map.finished => {
                if own.iter().all(|key| embeddings.placed.contains(&(choice, *key))) {
                    return None;
                }
                true
            }
            Some(_) => return None,
            None if embeddings.requested.insert((choice, true)) => true,
            None => {
                let quick = embeddings.estimates.get(&choice).is_some_and(|e| e.seconds <= AT_ONCE);
                if !quick || !embeddings.requested.insert((choice, false)) {
                    return None;
                }
                false
            }
        };
        embeddings.placed.extend(own.into_iter().map(|key| (choice, key)));
        Some(JobSpec::Embed(Box::new(self.embed_job(choice, known_only)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::paintings;

    fn choice(vectors: EmbedVectors) -> EmbedChoice {
        EmbedChoice { vectors, ..EmbedChoice::default() }
    }

    fn made(state: &State, choice: EmbedChoice) -> Embedding {
        let dataset = state.dataset.as_ref().unwrap();
        let points = (0..dataset.len()).map(|i| [i as f32, 0.0]).collect();
        Embedding { choice, dataset: dataset.hash().into(), points, finished: true, ..Embedding::default() }
    }

    fn state() -> State {
        State { dataset: Some(paintings()), ..State::default() }
    }

    fn known_only(spec: Option<JobSpec>) -> Option<bool> {
        match spec {
            Some(JobSpec::Embed(job)) => Some(job.known_only),
            _ => None,
        }
    }

    #[test]
    fn a_map_is_looked_up_once_and_made_by_itself_where_that_is_quick() {
        let pixels = choice(EmbedVectors::Pixels);
        let estimate = |seconds| JobEstimate { models: 0, evaluations: 0, seconds, peak_bytes: None };
        for (seconds, expected) in [(1.0, Some(false)), (100.0, None)] {
            let mut state = state();
            assert_eq!(known_only(state.next_embed_job(pixels)), Some(true));
            assert_eq!(known_only(state.next_embed_job(pixels)), None, "the answer is not there yet");
            state.embeddings.set_estimate(pixels, estimate(seconds));
            assert_eq!(known_only(state.next_embed_job(pixels)), expected, "{seconds} s");
            assert_eq!(known_only(state.next_embed_job(pixels)), None);
        }
        assert_eq!(known_only(state().next_embed_job(choice(EmbedVectors::Bottleneck))), None, "no model is open");
    }

    #[test]
    fn maps_of_another_dataset_are_not_taken_and_features_belong_to_their_model() {
        let mut state = state();
        let pixels = choice(EmbedVectors::Pixels);
        let job = state.embed_job(pixels, false).unwrap();
        state.take_embedding(&job, Embedding { dataset: "other".into(), ..made(&state, pixels) });
        state.take_embedding(&job, Embedding { points: vec![[0.0; 2]], ..made(&state, pixels) });
        assert_eq!(state.embeddings.map(pixels), None);
        let features = choice(EmbedVectors::Bottleneck);
        for choice in [pixels, features] {
            state.take_embedding(&job, made(&state, choice));
        }
        state.embeddings.forget_features();
        assert!(state.embeddings.map(pixels).is_some() && state.embeddings.map(features).is_none());
    }

    #[test]
    fn a_map_that_was_cancelled_half_way_is_gone() {
        let mut state = state();
        let pixels = choice(EmbedVectors::Pixels);
        let job = state.embed_job(pixels, false).unwrap();
        state.take_embedding(&job, Embedding { finished: false, ..made(&state, pixels) });
        assert!(state.embeddings.map(pixels).is_some(), "shown while it is made");
        state.embeddings.ended(pixels);
        assert_eq!(state.embeddings.map(pixels), None);
    }
}
