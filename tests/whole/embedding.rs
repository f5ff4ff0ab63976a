//! Embedding maps by the real engine: made, stored, looked up, the same again, and cancelled quickly.

use std::time::{Duration, Instant};

use whence_engine::Engine;
use whence_jobs::{EmbedChoice, EmbedJob, EmbedLayout, EmbedVectors, Embedding, EventKind, JobEstimate, JobSpec, QuerySource};
use whence_store::{Kind, Store};

use super::{digits, failure, fixture, run};

fn job(store: &std::path::Path, vectors: EmbedVectors, layout: EmbedLayout) -> EmbedJob {
    EmbedJob {
        model: Some(fixture("digits/model")),
        data: fixture("digits/images"),
        group_column: None,
        class_map: None,
        queries: digits::queries(),
        choice: EmbedChoice { vectors, layout },
        seed: 3,
        keep_in: store.to_owned(),
        known_only: false,
    }
}

fn found(job: &EmbedJob) -> (Option<Embedding>, Option<JobEstimate>) {
    let (mut map, mut estimate) = (None, None);
    for event in run(JobSpec::Embed(Box::new(job.clone()))) {
        match event {
            EventKind::Embedded(embedding) if embedding.finished => map = Some(*embedding),
            EventKind::Estimate(found) => estimate = Some(found),
            EventKind::Failed(text) => panic!("{text}"),
            _ => {}
        }
    }
    (map, estimate)
}

#[test]
fn maps_are_made_once_the_same_for_the_same_seed_and_recalled() {
    for (vectors, layout) in [
        (EmbedVectors::Pixels, EmbedLayout::Pca),
        (EmbedVectors::Bottleneck, EmbedLayout::Pca),
        (EmbedVectors::Bottleneck, EmbedLayout::Tsne),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let job = job(&folder.path().join("store"), vectors, layout);
        let lookup = EmbedJob { known_only: true, ..job.clone() };
        let (nothing, estimate) = found(&lookup);
        assert!(nothing.is_none(), "nothing is stored yet");
        assert!(estimate.is_some_and(|e| e.seconds > 0.0 && (e.evaluations > 0) == (vectors == EmbedVectors::Bottleneck)));
        let map = found(&job).0.unwrap();
        assert_eq!(map.queries.len(), job.queries.len());
        assert!(map.points.iter().flatten().chain(map.queries.iter().flatten()).all(|v| v.is_finite()));
        assert_eq!(map.explained.is_some(), layout == EmbedLayout::Pca);
        assert_eq!(found(&lookup).0.as_ref(), Some(&map), "what is stored is recalled, with the queries");
        // In another store it is made anew, with the same points.
        let other = tempfile::tempdir().unwrap();
        let again = EmbedJob { keep_in: other.path().join("store"), ..job.clone() };
        assert_eq!(found(&again).0, Some(map));
        let store = Store::open_or_read_only(&job.keep_in).unwrap();
        assert!(store.root().join(Kind::Embedding.folder()).is_dir());
    }
}

#[test]
fn a_layout_under_way_stops_within_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let job = job(&folder.path().join("store"), EmbedVectors::Pixels, EmbedLayout::Tsne);
    let engine = Engine::start("cpu", || {}).unwrap();
    let id = engine.run(JobSpec::Embed(Box::new(job))).unwrap();
    let mut cancelled: Option<Instant> = None;
    loop {
        let event = engine.events().recv_timeout(Duration::from_secs(120)).expect("the job answers");
        match event.kind {
            EventKind::Progress(progress) if progress.phase == "t-SNE" && cancelled.is_none() => {
                engine.cancel(id);
                cancelled = Some(Instant::now());
            }
            EventKind::Cancelled => break,
            EventKind::Finished(_) | EventKind::Failed(_) => panic!("it should have been cancelled"),
            _ => {}
        }
    }
    let took = cancelled.expect("it was cancelled").elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn features_need_a_model_and_queries_their_size() {
    let folder = tempfile::tempdir().unwrap();
    let mut job = job(&folder.path().join("store"), EmbedVectors::Bottleneck, EmbedLayout::Pca);
    job.model = None;
    job.queries.clear();
    assert!(failure(JobSpec::Embed(Box::new(job.clone()))).contains("features need a model"));
    job.choice.vectors = EmbedVectors::Pixels;
    job.queries = vec![QuerySource::Image { name: "a".into(), pixels: vec![0; 3] }];
    assert!(failure(JobSpec::Embed(Box::new(job))).contains("another size"));
}
