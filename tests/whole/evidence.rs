//! Evidence: maps add up to scores, moved images are scored as queries are, redrawings and courses come back as they were.

use std::collections::BTreeMap;

use whence_data::{Dataset, LoadOptions};
use whence_diffusion::SampleSettings;
use whence_diffusion::elbo::ScoreMap;
use whence_engine::Engine;
use whence_jobs::{
    AffectedImage, AttributeJob, EventKind, Evidence, EvidenceJob, GenerateQuery, JobSpec, QuerySource, UnlearningPoint,
};
use whence_store::{Kind, Store};
use whence_training::unlearning::Recipe;

use super::digits::job;
use super::{failure, fixture, run};

fn look(of: &AttributeJob, what: Evidence, seed: Option<u64>) -> Vec<EventKind> {
    let events = run(JobSpec::Evidence(Box::new(EvidenceJob { of: of.clone(), seed, what })));
    assert!(matches!(events.last(), Some(EventKind::Finished(_))), "{:?}", events.last());
    events
}

fn maps(events: &[EventKind]) -> BTreeMap<usize, ScoreMap> {
    let map = |kind: &EventKind| match kind {
        EventKind::Mapped { group, map } => Some((*group, (**map).clone())),
        _ => None,
    };
    events.iter().filter_map(map).collect()
}

fn scores(of: &AttributeJob) -> BTreeMap<String, f64> {
    let events = run(JobSpec::Attribute(Box::new(of.clone())));
    let all = events.into_iter().find_map(|kind| match kind {
        EventKind::Attributed(all) => Some(all),
        EventKind::Failed(text) => panic!("{text}"),
        _ => None,
    });
    all.unwrap().remove(0).scores.into_iter().map(|s| (s.group, s.estimate.score)).collect()
}

fn digits() -> Dataset {
    let options = LoadOptions { shape: None, ..LoadOptions::default() };
    Dataset::load(&fixture("digits/images"), &options, &mut |_, _| Ok(())).unwrap()
}

#[test]
fn a_map_adds_up_to_the_score_and_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut of = job(folder.path().join("store"));
    of.settings.timesteps = "24".parse().unwrap();
    of.queries.truncate(1);
    let first = maps(&look(&of, Evidence::Map, None));
    let truth = scores(&of);
    assert_eq!(first.len(), truth.len());
    let dataset = digits();
    for (group, map) in &first {
        let score = truth[dataset.group_name(*group)];
        let total: f64 = map.by_cell().iter().sum();
        assert!((total - score).abs() < 1e-4 * score.abs().max(1.0), "{total} is not {score}");
        assert_eq!(map.by_timestep(map.everywhere()).len(), 24);
    }
    let again = look(&of, Evidence::Map, None);
    assert_eq!(maps(&again), first);
    let computes = |kind: &EventKind| matches!(kind, EventKind::Progress(p) if p.phase.contains("model") || p.phase.contains("mapping"));
    assert!(!again.iter().any(computes), "nothing is left to compute");
    assert_eq!(maps(&look(&of, Evidence::Known, None)), first, "what is kept is recalled");
    // Another seed of the noise has maps of its own, and only what is kept is recalled.
    let mut other = of.clone();
    other.settings.seed = 7;
    assert!(maps(&look(&other, Evidence::Known, None)).is_empty());
    // More evaluation points than a map stores: it is estimated from fewer.
    of.settings.timesteps = "129".parse().unwrap();
    let coarse = maps(&look(&of, Evidence::Map, None));
    assert!(coarse.values().all(|map| map.points.len() == 64));
}

#[test]
fn images_that_moved_are_scored_as_queries_are() {
    let folder = tempfile::tempdir().unwrap();
    let mut of = job(folder.path().join("store"));
    of.queries.truncate(1);
    of.groups.truncate(1);
    let events = look(&of, Evidence::MostAffected, None);
    let (group, images): (usize, Vec<AffectedImage>) = events
        .into_iter()
        .find_map(|kind| match kind {
            EventKind::MostAffected { group, images } => Some((group, images)),
            _ => None,
        })
        .unwrap();
    let dataset = digits();
    assert_eq!(images.len(), dataset.indices_of(group).len());
    assert!(images.windows(2).all(|w| w[0].score >= w[1].score));
    let mean = images.iter().map(|m| m.score).sum::<f64>() / images.len() as f64;
    assert!(mean > 0.0, "retrained without them, they are less likely: {mean}");
    of.settings.timesteps = "8".parse().unwrap();
    of.settings.draws = 1;
    for moved in [images[0], images[images.len() - 1]] {
        let pixels = dataset.pixels(moved.index).to_vec();
        of.queries = vec![QuerySource::Image { name: "image".into(), pixels }];
        let score = scores(&of)[dataset.group_name(group)];
        assert!((score - moved.score).abs() < 1e-6 * score.abs().max(1.0), "{score} is not {}", moved.score);
    }
}

fn regenerated(events: &[EventKind]) -> BTreeMap<Option<usize>, Vec<u8>> {
    let image = |kind: &EventKind| match kind {
        EventKind::Regenerated { group, image } if image.is_done() => Some((*group, image.pixels.clone())),
        _ => None,
    };
    events.iter().filter_map(image).collect()
}

#[test]
fn a_query_is_drawn_again_from_its_own_noise() {
    let folder = tempfile::tempdir().unwrap();
    let mut of = job(folder.path().join("store"));
    of.sampling = SampleSettings { steps: 12, ..SampleSettings::default() };
    // The model without the group drawn by hand, in place of the job.
    let without = fixture("digits/retrained").join(&of.groups[0]);
    let engine = Engine::start("cpu", || {}).unwrap();
    engine.run(JobSpec::LoadModel(without)).unwrap();
    engine.run(JobSpec::GenerateQuery(GenerateQuery { seed: 5, sampling: of.sampling })).unwrap();
    let by_hand = loop {
        let event = engine.events().recv_timeout(std::time::Duration::from_secs(60)).unwrap();
        if let EventKind::QueryReady(image) = event.kind {
            break image.pixels;
        }
    };
    of.queries = vec![QuerySource::Seed(5)];
    let first = regenerated(&look(&of, Evidence::Regenerate, Some(5)));
    assert_eq!(first.keys().copied().collect::<Vec<_>>().len(), of.groups.len());
    let group = digits().groups().iter().position(|g| *g == of.groups[0]);
    assert_eq!(first[&group], by_hand);
    let again = look(&of, Evidence::Regenerate, Some(5));
    assert_eq!(regenerated(&again), first);

    // Without a seed the full model draws too, from the image under noise: near it, not the same.
    let pixels = first[&group].clone();
    of.queries = vec![QuerySource::Image { name: "file".into(), pixels: pixels.clone() }];
    let file = regenerated(&look(&of, Evidence::Regenerate, None));
    assert_eq!(file.len(), of.groups.len() + 1);
    let distance =
        |a: &[u8]| a.iter().zip(&pixels).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.len() as f64;
    assert!(distance(&file[&None]) > 0.0 && distance(&file[&None]) < 60.0, "{}", distance(&file[&None]));
    assert_ne!(file[&None], file[&group]);
    of.settings.seed = 7;
    let noise = regenerated(&look(&of, Evidence::Regenerate, None));
    assert_ne!(noise[&None], file[&None], "other noise is another image");
}

#[test]
fn a_watched_unlearning_is_kept_and_leaves_its_model() {
    let folder = tempfile::tempdir().unwrap();
    let keep = folder.path().join("store");
    let mut of = job(keep.clone());
    of.counterfactuals = None;
    of.recipe = Recipe { steps: 6, ..Recipe::default() };
    of.groups.truncate(1);
    of.sampling = SampleSettings { steps: 4, ..SampleSettings::default() };
    let course = |events: &[EventKind]| -> (Vec<UnlearningPoint>, Vec<(usize, Vec<u8>)>) {
        let point = |k: &EventKind| if let EventKind::Unlearning(p) = k { Some(*p) } else { None };
        let image = |k: &EventKind| match k {
            EventKind::Watched { step, pixels, .. } => Some((*step, pixels.clone())),
            _ => None,
        };
        (events.iter().filter_map(point).collect(), events.iter().filter_map(image).collect())
    };
    let first = course(&look(&of, Evidence::Watch, None));
    assert_eq!(first.0.iter().map(|p| p.step).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(first.1.iter().map(|p| p.0).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6]);
    assert_ne!(first.1[0].1, first.1[6].1, "the image changes on the way");
    let last = first.0[5].query_score.unwrap();
    assert_eq!(Store::read_only(&keep).unwrap().keys(Kind::Counterfactual).len(), 1);
    assert_eq!(course(&look(&of, Evidence::Watch, None)), first);
    // The stored model scores what was reported last, up to its rounding to eight bits.
    of.settings.timesteps = "8".parse().unwrap();
    of.settings.draws = 1;
    of.queries.truncate(1);
    let events = run(JobSpec::Attribute(Box::new(AttributeJob { live: true, ..of.clone() })));
    assert!(!events.iter().any(|k| matches!(k, EventKind::Unlearning(_))), "nothing is unlearned again");
    let score = scores(&of).into_values().next().unwrap();
    assert!((score - last).abs() < 0.02 * last.abs().max(1.0), "{score} is not {last}");
}

#[test]
fn looks_that_need_models_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let of = AttributeJob { method: "gaussian".into(), ..job(folder.path().join("store")) };
    for what in [Evidence::Regenerate, Evidence::Map, Evidence::MostAffected, Evidence::Watch] {
        let job = EvidenceJob { of: of.clone(), seed: None, what };
        let text = failure(JobSpec::Evidence(Box::new(job)));
        assert!(text.contains("gaussian") && text.contains("guda"), "{text}");
    }
}
