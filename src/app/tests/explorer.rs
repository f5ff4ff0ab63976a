//! Wall, unlearning and comparison in each state; restoring a project.

use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::scenes::Scene;
use crate::app::actions::{Action, Command};
use crate::app::panels::PanelId;
use crate::app::session::Session;
use whence_jobs::{EventKind, Evidence, JobSpec, QueryOrigin, Regenerated, UnlearningPoint};
use whence_methods::{Attribution, GroupScore};

impl Scene {
    fn command(&mut self, command: Command) {
        let ctx = self.window.ctx.clone();
        self.window.state_mut().command(&ctx, command);
        self.settle();
    }

    /// The last evidence job.
    fn last_evidence_job(&self) -> (Evidence, Vec<String>, Option<u64>) {
        match self.fake.last().1 {
            JobSpec::Evidence(job) => (job.what, job.of.groups, job.seed),
            other => panic!("{other:?}"),
        }
    }

    fn emit_regenerated(&mut self, group: usize, step: usize, shade: u8) {
        let size = self.app().state.query().unwrap().image.pixels.len();
        let image = Regenerated { step, steps: 50, pixels: vec![shade; size] };
        self.emit(EventKind::Regenerated { group: Some(group), image });
    }
}

#[test]
fn the_wall_regenerates_all_images_and_sorts_them() {
    let mut scene = Scene::done();
    scene.act(Action::ShowPanel(PanelId::Wall));
    scene.window.get_by_label("Regenerate without each group").click();
    scene.settle();
    assert_eq!(scene.last_evidence_job(), (Evidence::Regenerate, vec![], Some(7)));
    scene.emit(EventKind::Started);
    scene.window.get_by_label("0 of 8 regenerated");
    assert!(scene.window.query_by_label("Regenerate without each group").is_none(), "it is under way");
    scene.emit_regenerated(0, 20, 10);
    scene.window.get_by_label("0 of 8 regenerated");
    for group in 0..8 {
        scene.emit_regenerated(group, 50, 100 + 20 * group as u8);
    }
    scene.emit(EventKind::Finished("drawn".into()));
    assert!(
        scene.window.query_by_label("8 of 8 regenerated").is_none()
            && scene.window.query_by_label("Regenerate the remaining").is_none()
    );
    let order = |scene: &Scene| -> Vec<String> {
        let nodes: Vec<_> = scene.window.get_all_by_label_contains("Show Without").collect();
        let mut nodes: Vec<_> =
            nodes.iter().map(|n| (n.rect(), n.accesskit_node().label().unwrap_or_default())).collect();
        nodes.sort_by(|a, b| (a.0.top().round(), a.0.left()).partial_cmp(&(b.0.top().round(), b.0.left())).unwrap());
        nodes.into_iter().map(|(_, label)| label.replace("Show Without ", "")).collect()
    };
    let by_score: Vec<String> =
        scene.app().state.explanation().unwrap().ranking.rows.iter().map(|r| r.name.clone()).collect();
    assert_eq!(order(&scene), by_score);
    scene.window.get_by_label("Visible change").click();
    scene.settle();
    let by_change = order(&scene);
    assert_ne!(by_change, by_score);
    let query = scene.app().state.query().unwrap();
    let change = |name: &String| {
        let group = scene.app().state.groups().iter().position(|g| g == name).unwrap();
        let sum: f64 = query.image.pixels.iter().map(|p| f64::from(p.abs_diff(100 + 20 * group as u8))).sum();
        sum / query.image.pixels.len() as f64
    };
    assert!(by_change.windows(2).all(|w| change(&w[0]) >= change(&w[1])), "{by_change:?}");
    let first = by_change[0].clone();
    scene.window.get_by_label(&format!("Show Without {first}")).click();
    scene.settle();
    let group = scene.app().state.group.unwrap();
    assert_eq!(scene.app().state.group_name(group), first);
}

#[test]
fn a_cancelled_regeneration_leaves_no_unfinished_images() {
    let mut scene = Scene::done();
    scene.command(Command::ComputeEvidence(Evidence::Regenerate, None));
    scene.emit(EventKind::Started);
    scene.emit_regenerated(0, 50, 1);
    scene.emit_regenerated(1, 20, 1);
    scene.emit(EventKind::Cancelled);
    let found = &scene.app().state.query().unwrap().evidence;
    assert_eq!(found.regenerated.keys().copied().collect::<Vec<_>>(), [0]);
}

#[test]
fn an_unlearning_is_watched_and_stepped_through() {
    let mut scene = Scene::done();
    scene.command(Command::SelectGroup(Some(2)));
    scene.act(Action::ShowPanel(PanelId::Unlearning));
    let name = scene.app().state.group_name(2).to_owned();
    scene.window.get_by_label(&format!("Unlearning {name}"));
    scene.window.get_by_label("Watch the unlearning").click();
    scene.settle();
    assert_eq!(scene.last_evidence_job(), (Evidence::Watch, vec![name], Some(7)));
    scene.emit(EventKind::Started);
    scene.window.get_by_label("Watching…");
    let size = scene.app().state.query().unwrap().image.pixels.len();
    for step in 0..=4usize {
        if step > 0 {
            scene.emit(EventKind::Unlearning(UnlearningPoint {
                group: 2,
                step,
                steps: 4,
                forget_loss: 0.1 * step as f32,
                retain_loss: 0.05,
                query_score: Some(step as f64),
            }));
        }
        if step % 2 == 0 {
            scene.emit(EventKind::Watched { group: 2, step, pixels: vec![50 * step as u8; size] });
        }
    }
    scene.emit(EventKind::Finished("watched".into()));
    scene.window.get_by_label("forget loss 0.4000 · retain loss 0.0500 · score +4.00 nats");
    scene.window.get_by_label_contains("Regenerated after 4 steps");
    assert!(scene.window.query_by_label("Watch the unlearning").is_none());
    let key = scene.app().state.current.unwrap();
    scene.window.state_mut().forms.scrub = Some((key, 2, 1));
    scene.settle();
    scene.window.get_by_label("forget loss 0.1000 · retain loss 0.0500 · score +1.00 nats");
}

#[test]
fn explanations_by_two_methods_are_shown_side_by_side() {
    let mut scene = Scene::done();
    scene.act(Action::ShowPanel(PanelId::Compare));
    scene.window.get_by_label_contains("1 explanation");
    scene.command(Command::ExplainBy("gaussian"));
    let (_, spec) = scene.fake.last();
    assert!(matches!(&spec, JobSpec::Attribute(job) if job.method == "gaussian"), "{spec:?}");
    let names = scene.app().state.groups().to_vec();
    // The reverse of the first order.
    let first: Vec<String> =
        scene.app().state.query().unwrap().explanations[0].ranking.rows.iter().map(|r| r.name.clone()).collect();
    let score = |name: &String| first.iter().position(|n| n == name).unwrap() as f64;
    let all = names.iter().map(|name| GroupScore::exact(name, score(name))).collect();
    scene.emit(EventKind::Attributed(vec![Attribution::new("seed-7", "gaussian", all)]));
    scene.emit(EventKind::Finished("done".into()));
    scene.window.get_by_label_contains("2 explanations");
    scene.window.get_by_label("Largest disagreement (Spearman ρ)");
    scene.window.get_by_label_contains("seed-7: Spearman ρ = \u{2212}1.00");
    // A repeated explanation replaces the earlier one once it is complete.
    scene.command(Command::ExplainBy("guda"));
    assert_eq!(scene.app().state.query().unwrap().explanations.len(), 3);
    let all = names.iter().map(|name| GroupScore::exact(name, score(name))).collect();
    scene.emit(EventKind::Attributed(vec![Attribution::new("seed-7", "guda", all)]));
    assert_eq!(scene.app().state.query().unwrap().explanations.len(), 2);
}

#[test]
fn a_reopened_project_is_restored() {
    let mut scene = Scene::done();
    let key = scene.app().state.current.unwrap();
    scene.window.state_mut().state.queries.iter_mut().for_each(|q| q.rating.stars = if q.key == key { 3 } else { 0 });
    scene.command(Command::SelectGroup(Some(3)));
    let app = scene.app();
    let session = Session::capture(&app.state, 41).unwrap();
    let mut project = app.state.project.clone().unwrap();
    let saved = serde_json::to_string(&session).unwrap();
    project.session = Some(serde_json::from_str(&saved).unwrap());
    let (model, dataset) = (app.state.model.clone().unwrap(), app.state.dataset.clone().unwrap());
    let images: Vec<_> = app.state.queries.iter().map(|q| q.image.clone()).collect();
    let asked = app.state.explanation().unwrap().request.clone().unwrap();

    let mut scene = Scene::new();
    let open = scene.start(JobSpec::OpenProject(project.root.clone()));
    scene.tell_of(open, EventKind::ProjectOpened(Box::new(project)));
    let jobs = || scene.fake.last();
    // Each image is requested again, in order.
    let seeds: Vec<u64> = scene
        .app()
        .state
        .jobs
        .iter()
        .filter_map(|j| match &j.spec {
            JobSpec::GenerateQuery(job) => Some(job.seed),
            _ => None,
        })
        .collect();
    let expected: Vec<u64> = images
        .iter()
        .filter_map(|p| match p.origin {
            QueryOrigin::Seed(seed) => Some(seed),
            QueryOrigin::File(_) => None,
        })
        .collect();
    assert_eq!(seeds, expected);
    let first = jobs().0 - seeds.len() as u64 + 1;
    scene.tell_of(open, EventKind::Finished("open".into()));
    scene.done_at_once(JobSpec::LoadModel("/m".into()), EventKind::ModelLoaded(Box::new(model)));
    scene.done_at_once(JobSpec::LoadDataset("/d".into()), EventKind::DatasetLoaded(dataset));
    for (i, image) in images.into_iter().enumerate() {
        scene.tell_of(first + i as u64, EventKind::QueryReady(Box::new(image)));
        scene.tell_of(first + i as u64, EventKind::Finished("drawn".into()));
    }
    let state = &scene.app().state;
    let query = state.query().unwrap();
    assert_eq!(query.image.name, "seed-7");
    assert!(query.rating.stars == 3 && state.group == Some(3));
    assert_eq!(scene.app().forms.seed, 41);
    let again = state.jobs.iter().find_map(|j| match &j.spec {
        JobSpec::Attribute(job) => Some((j.query, job.clone())),
        _ => None,
    });
    let (of, job) = again.expect("the explanation is restored");
    assert!(of == state.current && job.known_only && !job.live);
    assert_eq!((&job.method, &job.settings, &job.recipe), (&asked.method, &asked.settings, &asked.recipe));
    // An explanation that is still to be restored is saved where the window is closed before.
    assert!(Session::capture(state, 41).is_none() || saved.contains("\"guda\""));
}

#[test]
fn evidence_uses_the_models_of_the_explanation_on_screen() {
    let mut scene = Scene::done();
    scene.command(Command::ComputeEvidence(Evidence::Regenerate, None));
    let first = scene.fake.last().0;
    scene.emit_regenerated(0, 50, 1);
    // The current settings differ from those of the explanation.
    scene.window.state_mut().forms.settings.recipe.steps = 7;
    scene.command(Command::ComputeEvidence(Evidence::Map, None));
    let JobSpec::Evidence(map) = scene.fake.last().1 else { panic!() };
    let asked = scene.app().state.explanation().unwrap().request.clone().unwrap();
    assert_eq!(map.of.recipe, asked.recipe);
    assert!(scene.app().state.query().unwrap().evidence.regenerated.contains_key(&0));
    // Another explanation runs behind the selected one, whose evidence stays. Once it is selected, evidence of the other
    // models is dropped, and what they still report is ignored.
    scene.act(Action::Explain);
    assert!(scene.app().state.query().unwrap().evidence.regenerated.contains_key(&0));
    scene.command(Command::SelectExplanation(scene.fake.last().0));
    assert!(scene.app().state.query().unwrap().evidence.regenerated.is_empty());
    let size = scene.app().state.query().unwrap().image.pixels.len();
    let image = Regenerated { step: 50, steps: 50, pixels: vec![9; size] };
    scene.tell_of(first, EventKind::Regenerated { group: Some(1), image });
    assert!(scene.app().state.query().unwrap().evidence.regenerated.is_empty());
}

#[test]
fn a_complete_explanation_survives_a_cancelled_one() {
    let mut scene = Scene::done();
    let whole = scene.app().state.explanation().unwrap().complete.clone();
    scene.act(Action::Explain);
    scene.emit(EventKind::Started);
    assert_eq!(scene.app().state.explanation().unwrap().complete, whole, "it stays on screen");
    let first = GroupScore::exact(&scene.app().state.groups()[0].clone(), 1.0);
    scene.emit(EventKind::GroupScored { group: 0, score: Box::new(first) });
    scene.emit(EventKind::Cancelled);
    assert_eq!(scene.app().state.explanation().unwrap().complete, whole);
    assert_eq!(scene.app().state.query().unwrap().explanations.len(), 1);
}

#[test]
fn a_cancelled_map_or_watch_can_be_completed() {
    let mut scene = Scene::done();
    scene.command(Command::SelectGroup(Some(2)));
    scene.command(Command::ComputeEvidence(Evidence::Watch, Some(2)));
    let size = scene.app().state.query().unwrap().image.pixels.len();
    scene.emit(EventKind::Watched { group: 2, step: 0, pixels: vec![0; size] });
    let point = UnlearningPoint { group: 2, step: 1, steps: 4, forget_loss: 0.1, retain_loss: 0.1, query_score: None };
    scene.emit(EventKind::Unlearning(point));
    scene.emit(EventKind::Cancelled);
    scene.act(Action::ShowPanel(PanelId::Unlearning));
    scene.window.get_by_label("Watch the unlearning");
}
