//! Training images and queries as points on a plane.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::attribute::read_queries;
use super::warn_of_skipped;
use crate::cache::{StoreCache, device_id};
use crate::device::memory;
use crate::progress_bridge::{Counting, ProgressBridge};
use crate::reporter::Reporter;
use crate::workspace::Workspace;
use whence_base::{Error, Result};
use whence_data::{Dataset, ImageShape};
use whence_diffusion::{GroupConditions, Pipeline};
use whence_embedding::{EmbeddingMap, Layout, Report as EmbedReport, Rows, Step, embed};
use whence_jobs::{
    EmbedJob, EmbedLayout, EmbedVectors, Embedding, EventKind, JobEstimate, QuerySource, SampleSettings,
};
use whence_methods::{Counterfactuals, FeatureBank, Query, Report, Request, Resolver, ScoreSettings};
use whence_store::{Kind, Store};

/// Pixels are averaged to this many rows and columns at most: what is finer does not change who is near to whom.
const SIDE: usize = 32;

/// Time between two pictures of a layout in progress.
const SHOW_EVERY: Duration = Duration::from_millis(400);

/// Units of progress: features, and the layout.
const HALF: f64 = 1.0;

pub(super) fn run(workspace: &mut Workspace, job: &EmbedJob, reporter: &mut Reporter<'_>) -> Result<String> {
    let inputs = Inputs::read(workspace, job, reporter)?;
    let count = inputs.dataset.len();
    let key = inputs.key();
    let stored = inputs.store.get(Kind::Embedding, &key).and_then(|bytes| EmbeddingMap::from_bytes(&bytes, count));
    if job.known_only && stored.is_none() {
        let estimate = inputs.estimate(workspace, reporter)?;
        reporter.state(EventKind::Estimate(estimate));
        return Ok(String::new());
    }
    reporter.plan(2.0 * HALF);
    let vectors = inputs.vectors(workspace, stored.is_none(), reporter)?;
    let map = match stored {
        Some(map) => map,
        None => {
            let map = inputs.make(&vectors, reporter)?;
            inputs.store.put_if_writable(Kind::Embedding, &key, &map.to_bytes())?;
            map
        }
    };
    let queries = (0..inputs.queries.len()).map(|query| map.place(&vectors.query(query))).collect();
    let explained = match map.projection.explained.as_slice() {
        [first, second] if job.choice.layout == EmbedLayout::Pca => Some([*first, *second]),
        _ => None,
    };
    let dataset = inputs.dataset.hash().to_owned();
    let embedding = Embedding { choice: job.choice, dataset, points: map.points, queries, explained, finished: true };
    reporter.state(EventKind::Embedded(Box::new(embedding)));
    Ok(format!("map of {count} images"))
}

struct Inputs<'a> {
    job: &'a EmbedJob,
    model: Option<(Pipeline, GroupConditions, String)>,
    dataset: Dataset,
    queries: Vec<Query>,
    store: Store,
}

/// What images are compared by.
enum Vectors<'a> {
    Pixels { dataset: &'a Dataset, queries: &'a [Query] },
    Features(FeatureBank),
}

impl<'a> Inputs<'a> {
    fn read(workspace: &mut Workspace, job: &'a EmbedJob, reporter: &mut Reporter<'_>) -> Result<Self> {
        workspace.choose_column(job.group_column.as_deref());
        let model = job.model.as_ref().map(|path| workspace.model(path)).transpose()?;
        let shape = model.as_ref().map(Pipeline::image_shape);
        let dataset = workspace.dataset(&job.data, shape, &mut |d, t| reporter.within("reading images", d, t, 0.0))?;
        if !job.known_only {
            warn_of_skipped(&dataset, reporter);
        }
        let queries = queries(job, model.as_ref(), &dataset, reporter)?;
        let model = match (model, job.choice.vectors) {
            (_, EmbedVectors::Pixels) => None,
            (None, EmbedVectors::Bottleneck) => {
                return Err(Error::input("features need a model", "model", "open a model, or choose pixels"));
            }
            (Some(model), EmbedVectors::Bottleneck) => {
                let conditions = super::conditions(&model, &dataset, job.class_map.as_ref())?;
                let device = workspace.device(&model.network.config())?.name;
                Some((model, conditions, device))
            }
        };
        // An estimate makes no store of a project that has none.
        let store = if job.known_only {
            Store::open_for_lookup(&job.keep_in)?
        } else {
            Store::open_or_read_only(&job.keep_in)?
        };
        Ok(Self { job, model, dataset, queries, store })
    }

    /// What the map is computed from.
    fn key(&self) -> Value {
        let features = self.model.as_ref().map(|(model, conditions, device)| {
            json!({
                "model": model.hash(),
                "classes": conditions.id(),
                "timestep": FeatureBank::TIMESTEP,
                "device": device_id(model, device),
            })
        });
        json!({
            "dataset": self.dataset.hash(),
            "layout": self.job.choice.layout,
            "seed": self.job.seed,
            "features": features,
        })
    }

    /// The vectors of the queries; features of the training images only where the map is to be made of them.
    fn vectors(&self, workspace: &mut Workspace, all: bool, reporter: &mut Reporter<'_>) -> Result<Vectors<'_>> {
        let Some((model, conditions, device)) = &self.model else {
            reporter.skip(HALF);
            return Ok(Vectors::Pixels { dataset: &self.dataset, queries: &self.queries });
        };
        let settings = ScoreSettings::default();
        let mut bridge = ProgressBridge::new(reporter, &self.dataset, Counting::Phase(HALF));
        let mut cache = StoreCache { store: &self.store, model, seed: settings.seed, device, fit: &mut workspace.fit };
        let mut resolver = Resolver {
            request: self.request(model, conditions, &settings),
            counterfactuals: &mut NoModels,
            cache: &mut cache,
            report: &mut bridge,
        };
        let bank = if all {
            resolver.features()?
        } else {
            FeatureBank { train: Vec::new(), queries: resolver.query_features()? }
        };
        reporter.advance(HALF);
        Ok(Vectors::Features(bank))
    }

    fn request<'s>(
        &'s self,
        model: &'s Pipeline,
        conditions: &'s GroupConditions,
        settings: &'s ScoreSettings,
    ) -> Request<'s> {
        Request { model, dataset: &self.dataset, conditions, groups: &[], queries: &self.queries, settings }
    }

    fn make(&self, vectors: &Vectors<'_>, reporter: &mut Reporter<'_>) -> Result<EmbeddingMap> {
        let mut shown = Instant::now();
        let (choice, dataset) = (self.job.choice, self.dataset.hash());
        let mut report = |step: Step<'_>| match step {
            Step::Components { done, total } => reporter.within("principal components", done, total, 0.05 * HALF),
            Step::Neighbours { done, total } => reporter.within("nearest neighbours", done, total, 0.2 * HALF),
            Step::Epoch { done, total, points } => {
                if shown.elapsed() > SHOW_EVERY {
                    shown = Instant::now();
                    let (points, dataset) = (points.to_vec(), dataset.to_owned());
                    let now = Embedding { choice, dataset, points, ..Embedding::default() };
                    reporter.passing(EventKind::Embedded(Box::new(now)));
                }
                reporter.within("t-SNE", done, total, HALF)
            }
        };
        let report: &mut EmbedReport<'_> = &mut report;
        embed(vectors, layout(choice.layout), self.job.seed, report)
    }

    /// What making the map takes.
    fn estimate(&self, workspace: &mut Workspace, reporter: &mut Reporter<'_>) -> Result<JobEstimate> {
        let mut estimate = JobEstimate { models: 0, evaluations: 0, seconds: 0.0, peak_bytes: None };
        let mut dims = Averaged::new(self.dataset.shape()).dims();
        if let Some((model, conditions, device)) = &self.model {
            let mut settings = ScoreSettings::default();
            let mut bridge = ProgressBridge::new(reporter, &self.dataset, Counting::Phase(0.0));
            let mut cache =
                StoreCache { store: &self.store, model, seed: settings.seed, device, fit: &mut workspace.fit };
            let work = Resolver {
                request: self.request(model, conditions, &ScoreSettings::default()),
                counterfactuals: &mut NoModels,
                cache: &mut cache,
                report: &mut bridge,
            }
            .features_work();
            if work.evaluations > 0 {
                let costs = workspace.measured.of(model, &mut settings, None, &mut || reporter.check())?;
                estimate = costs.estimate(0, 0, work, &self.dataset);
            }
            dims = self.feature_length(model, conditions)?;
        }
        estimate.seconds +=
            whence_embedding::seconds(self.dataset.len(), dims, layout(self.job.choice.layout), &mut || {
                reporter.check()
            })?;
        let bytes = 4 * self.dataset.len() * dims;
        let used = memory::now();
        estimate.peak_bytes = estimate.peak_bytes.max(used).map(|peak| peak + bytes as u64);
        Ok(estimate)
    }

    /// Length of a feature vector, by one pass.
    fn feature_length(&self, model: &Pipeline, conditions: &GroupConditions) -> Result<usize> {
        let condition = conditions.of_group(self.dataset.group_of(0))?;
        let x = model.codec().encode(self.dataset.pixels(0));
        Ok(model.bottleneck(&x, &[0], &[condition])?.len())
    }
}

fn layout(layout: EmbedLayout) -> Layout {
    match layout {
        EmbedLayout::Pca => Layout::Pca,
        EmbedLayout::Tsne => Layout::Tsne,
    }
}

/// The queries at the dataset's size.
fn queries(
    job: &EmbedJob,
    model: Option<&Pipeline>,
    dataset: &Dataset,
    reporter: &mut Reporter<'_>,
) -> Result<Vec<Query>> {
    if let Some(model) = model {
        return read_queries(&job.queries, &SampleSettings::default(), model, reporter);
    }
    let own = |source: &QuerySource| match source {
        QuerySource::Image { name, pixels } if pixels.len() == dataset.shape().numel() => {
            let condition = whence_diffusion::Condition::None;
            Ok(Query { name: name.clone(), pixels: pixels.clone(), condition })
        }
        _ => Err(Error::input("the image has another size than the dataset", "query", "open a model, then the image")),
    };
    job.queries.iter().map(own).collect()
}

/// Features need no models without groups.
struct NoModels;

impl Counterfactuals for NoModels {
    fn without(&mut self, _group: usize, _report: &mut dyn Report) -> Result<Pipeline> {
        Err(Error::internal("a map of features needs no model without a group"))
    }

    fn identity(&mut self, _group: usize) -> Result<Option<String>> {
        Ok(None)
    }

    fn name(&self, _group: usize) -> String {
        String::new()
    }

    fn is_ready(&self, _group: usize) -> bool {
        false
    }
}

/// Images averaged over squares of pixels, in 0..1.
#[derive(Clone, Copy)]
struct Averaged {
    shape: ImageShape,
    /// Rows and columns of the result.
    size: [usize; 2],
}

impl Averaged {
    fn new(shape: ImageShape) -> Self {
        Self { shape, size: [shape.height.clamp(1, SIDE), shape.width.clamp(1, SIDE)] }
    }

    fn dims(self) -> usize {
        self.shape.channels * self.size[0] * self.size[1]
    }

    fn write(self, pixels: &[u8], out: &mut [f32]) {
        let [rows, columns] = self.size;
        let ImageShape { height, width, .. } = self.shape;
        let mut out = out.iter_mut();
        for plane in pixels.chunks_exact((height * width).max(1)) {
            for row in 0..rows {
                for column in 0..columns {
                    let (top, bottom) = (row * height / rows, (row + 1) * height / rows);
                    let (left, right) = (column * width / columns, (column + 1) * width / columns);
                    let (mut sum, mut count) = (0u32, 0u32);
                    for line in plane.chunks_exact(width.max(1)).take(bottom).skip(top) {
                        let part = line.get(left..right).unwrap_or_default();
                        sum += part.iter().map(|v| u32::from(*v)).sum::<u32>();
                        count += part.len() as u32;
                    }
                    if let Some(out) = out.next() {
                        *out = sum as f32 / (255.0 * count.max(1) as f32);
                    }
                }
            }
        }
    }
}

impl Vectors<'_> {
    /// The vector of a query.
    fn query(&self, query: usize) -> Vec<f32> {
        match self {
            Self::Pixels { dataset, queries } => {
                let averaged = Averaged::new(dataset.shape());
                let mut out = vec![0.0; averaged.dims()];
                averaged.write(queries.get(query).map_or(&[], |q| &q.pixels), &mut out);
                out
            }
            Self::Features(bank) => bank.queries.get(query).cloned().unwrap_or_default(),
        }
    }
}

impl Rows for Vectors<'_> {
    fn count(&self) -> usize {
        match self {
            Self::Pixels { dataset, .. } => dataset.len(),
            Self::Features(bank) => bank.train.len(),
        }
    }

    fn dims(&self) -> usize {
        match self {
            Self::Pixels { dataset, .. } => Averaged::new(dataset.shape()).dims(),
            Self::Features(bank) => Rows::dims(&bank.train),
        }
    }

    fn write(&self, row: usize, out: &mut [f32]) {
        match self {
            Self::Pixels { dataset, .. } => Averaged::new(dataset.shape()).write(dataset.pixels(row), out),
            Self::Features(bank) => Rows::write(&bank.train, row, out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_averaged_and_small_ones_stay() {
        let shape = ImageShape { channels: 1, height: 2, width: 3 };
        let averaged = Averaged::new(shape);
        let mut out = vec![0.0; averaged.dims()];
        averaged.write(&[0, 51, 102, 153, 204, 255], &mut out);
        assert_eq!(out, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
        let large = Averaged::new(ImageShape { channels: 3, height: 2 * SIDE, width: 2 * SIDE });
        let pixels: Vec<u8> = (0..large.shape.numel()).map(|i| if i / 2 % 2 == 0 { 0 } else { 255 }).collect();
        let mut out = vec![9.0; large.dims()];
        large.write(&pixels, &mut out);
        assert_eq!(out.len(), 3 * SIDE * SIDE);
        assert!(out.chunks_exact(2).all(|pair| pair == [0.0, 1.0]), "every second square is white");
    }
}
