//! Against PyTorch's values for a tiny network, 12 training images in three groups and two queries.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use safetensors::SafeTensors;
use serde_json::Value;

use super::pixel::cosines;
use super::*;
use crate::artefacts::{ArtefactCache, Cached, Counterfactuals, Resolver};
use crate::method::{Query, ScoreSettings};
use crate::{GaussianLeaveOut, Report};
use whence_base::Result;
use whence_data::{Dataset, LoadOptions};
use whence_diffusion::elbo::TermTable;
use whence_diffusion::{Condition, GroupConditions, Pipeline};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/methods")
}

struct Reference(Vec<u8>);

impl Reference {
    fn rows(&self, name: &str) -> Vec<Vec<f64>> {
        let file = SafeTensors::deserialize(&self.0).unwrap();
        let view = file.tensor(name).unwrap();
        let rows = view.shape()[0];
        let values: Vec<f64> = match view.dtype() {
            safetensors::Dtype::F64 => view.data().as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect(),
            _ => view.data().as_chunks::<4>().0.iter().map(|b| f64::from(f32::from_le_bytes(*b))).collect(),
        };
        values.chunks(values.len() / rows).map(<[f64]>::to_vec).collect()
    }

    fn floats(&self, name: &str) -> Vec<Vec<f32>> {
        self.rows(name).into_iter().map(|r| r.into_iter().map(|v| v as f32).collect()).collect()
    }
}

fn reference() -> Reference {
    Reference(std::fs::read(fixtures().join("similarity.safetensors")).unwrap())
}

fn close(actual: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(actual.len(), expected.len());
    for (a, b) in actual.iter().zip(expected) {
        assert!((a - b).abs() < tolerance, "{a} is not {b}");
    }
}

#[test]
fn bottleneck_features_and_their_cosines_are_pytorchs() {
    let reference = reference();
    let model = Pipeline::load(&fixtures().join("tiny"), &burn::tensor::Device::flex()).unwrap();
    let (signal, _) = model.schedule().signal_and_noise(50);
    for (input, expected) in [("train.x", "bottleneck.train"), ("query.x", "bottleneck.query")] {
        for (x, expected) in reference.floats(input).iter().zip(reference.rows(expected)) {
            let scaled: Vec<f32> = x.iter().map(|v| (signal * f64::from(*v)) as f32).collect();
            let features = model.bottleneck(&scaled, &[50], &[Condition::None]).unwrap();
            close(&features.iter().map(|v| f64::from(*v)).collect::<Vec<_>>(), &expected, 1e-5);
        }
    }
    let (train, queries) = (reference.floats("bottleneck.train"), reference.floats("bottleneck.query"));
    for (query, expected) in queries.iter().zip(reference.rows("bottleneck.cos")) {
        close(&cosines(query, &train), &expected, 1e-6);
    }
}

#[test]
fn pixel_cosines_distances_and_their_aggregates_are_pytorchs() {
    let reference = reference();
    let (train, queries) = (reference.floats("train.x"), reference.floats("query.x"));
    for (q, query) in queries.iter().enumerate() {
        let cosines = cosines(query, &train);
        close(&cosines, &reference.rows("pixel.cos")[q], 1e-6);
        let distance = |t: &Vec<f32>| -t.iter().zip(query).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt();
        let distances: Vec<f64> = train.iter().map(distance).collect();
        close(&distances, &reference.rows("pixel.minus_distance")[q], 1e-5);
        for (aggregation, name) in [
            (Aggregation::Sum, "sum"),
            (Aggregation::Mean, "mean"),
            (Aggregation::Max, "max"),
            (Aggregation::Median, "median"),
        ] {
            let groups: Vec<f64> = cosines.chunks(4).map(|group| aggregation.of(group.iter().copied())).collect();
            close(&groups, &reference.rows(&format!("aggregate.pixel.{name}"))[q], 1e-6);
        }
    }
}

#[test]
fn the_correction_lowers_hubs_and_is_what_its_formula_says() {
    // Three directions in a plane; the second lies between the others, so that it is near to both.
    let at = |degrees: f32| vec![degrees.to_radians().cos(), degrees.to_radians().sin()];
    let train = vec![at(0.0), at(40.0), at(90.0)];
    let query = vec![at(10.0)];
    let cos = |a: f64, b: f64| (a - b).to_radians().cos();
    let found = csls::csls(&train, &query).remove(0);
    let own = (cos(10.0, 0.0) + cos(10.0, 40.0) + cos(10.0, 90.0)) / 3.0;
    let hubs = [(40.0, 90.0, 0.0), (0.0, 90.0, 40.0), (0.0, 40.0, 90.0)];
    let expected: Vec<f64> =
        hubs.iter().map(|&(a, b, x)| 2.0 * cos(10.0, x) - own - (cos(x, a) + cos(x, b)) / 2.0).collect();
    close(&found, &expected, 1e-6);
    let plain = cosines(&query[0], &train);
    assert!(plain[0] - plain[1] < found[0] - found[1], "the hub has fallen behind");
}

/// A cache in memory that counts what is read from it.
#[derive(Default)]
struct Memory {
    entries: Vec<(String, Vec<u8>)>,
    hits: usize,
}

impl ArtefactCache for Memory {
    fn terms(&mut self, _: &Query, _: &str) -> TermTable {
        TermTable::default()
    }
    fn save_terms(&mut self, _: &Query, _: &str, _: &TermTable) -> Result<()> {
        Ok(())
    }
    fn device(&self) -> String {
        "test".into()
    }
    fn contains(&self, kind: Cached, inputs: &Value) -> bool {
        let key = format!("{kind:?} {inputs}");
        self.entries.iter().any(|(k, _)| *k == key)
    }
    fn get(&mut self, kind: Cached, inputs: &Value) -> Option<Vec<u8>> {
        let key = format!("{kind:?} {inputs}");
        let found = self.entries.iter().find(|(k, _)| *k == key).map(|(_, v)| v.clone());
        self.hits += usize::from(found.is_some());
        found
    }
    fn put(&mut self, kind: Cached, inputs: &Value, content: &[u8]) -> Result<()> {
        self.entries.push((format!("{kind:?} {inputs}"), content.to_vec()));
        Ok(())
    }
    fn gaussian(&mut self, _: &str) -> Option<Arc<GaussianLeaveOut>> {
        None
    }
    fn save_gaussian(&mut self, _: &str, _: &Arc<GaussianLeaveOut>) {}
}

struct NoModels;

impl Counterfactuals for NoModels {
    fn without(&mut self, _: usize, _: &mut dyn Report) -> Result<Pipeline> {
        panic!("similarity needs no models")
    }
    fn identity(&mut self, _: usize) -> Result<Option<String>> {
        panic!("similarity needs no models")
    }
    fn name(&self, _: usize) -> String {
        String::new()
    }
    fn is_ready(&self, _: usize) -> bool {
        false
    }
}

struct Silent;

impl Report for Silent {
    fn progress(&mut self, _: &str, _: usize, _: usize) -> Result<()> {
        Ok(())
    }
}

#[test]
fn an_image_of_the_dataset_is_nearest_to_itself_and_features_are_computed_once() {
    let digits = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/digits");
    let model = Pipeline::load(&digits.join("model"), &burn::tensor::Device::flex()).unwrap();
    let dataset = Dataset::load(&digits.join("images"), &LoadOptions::default(), &mut |_, _| Ok(())).unwrap();
    let conditions = GroupConditions::none(dataset.groups().len());
    let groups: Vec<usize> = (0..dataset.groups().len()).collect();
    let own = 100;
    let query = Query { name: "own".into(), pixels: dataset.pixels(own).to_vec(), condition: Condition::None };
    let queries = [query];
    let mut cache = Memory::default();
    for (method, best) in [(&PixelSimilarity as &dyn crate::Method, 0.0), (&FeatureSimilarity, 1.0)] {
        for csls in [false, true] {
            let settings = ScoreSettings { csls, aggregate: Some(Aggregation::Max), ..ScoreSettings::default() };
            let request = Request {
                model: &model,
                dataset: &dataset,
                conditions: &conditions,
                groups: &groups,
                queries: &queries,
                settings: &settings,
            };
            let (counterfactuals, cache, report) = (&mut NoModels, &mut cache, &mut Silent);
            let mut resolver = Resolver { request, counterfactuals, cache, report };
            let work = resolver.work(method).unwrap();
            let cached = method.name() == "feature-similarity" && csls;
            assert_eq!(work.evaluations > 0, method.name() == "feature-similarity" && !cached);
            let found = resolver.attribute(method).unwrap().remove(0);
            assert_eq!(found.images.len(), dataset.len());
            let first = found.images.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
            assert_eq!(first, own, "{} csls {csls}", method.name());
            if !csls {
                assert!((found.images[own] - best).abs() < 1e-6 && found.unit == method.info().unit);
            }
            let leader = crate::rank(&found.scores)[0].index;
            assert_eq!(Some(groups[leader]), dataset.group_of(own));
        }
    }
    assert_eq!(cache.entries.len(), 1, "the training images' features, once");
    assert!(cache.hits > 0);
}
