//! The embedding map, through its accessible names.

use egui::{Event, Key, Modifiers, PointerButton, Pos2, Rect, vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::scenes::Scene;
use crate::app::actions::{Action, Command};
use crate::app::panels::PanelId;
use whence_jobs::{EmbedChoice, EmbedJob, EmbedLayout, EmbedVectors, Embedding, EventKind, JobEstimate, JobSpec};

/// The latest job, which makes a map or looks one up.
fn job(scene: &Scene) -> EmbedJob {
    match scene.fake.last().1 {
        JobSpec::Embed(job) => *job,
        other => panic!("{other:?}"),
    }
}

/// The map of the demo: each group a row of points, left to right; the queries at the right.
pub(super) fn map(scene: &Scene, choice: EmbedChoice) -> Embedding {
    let dataset = scene.app().state.dataset.clone().unwrap();
    let point = |image: usize| {
        let group = dataset.group_of(image).unwrap();
        let place = dataset.indices_of(group).iter().position(|i| *i == image).unwrap();
        [place as f32, group as f32 * 10.0]
    };
    let queries = job(scene).queries.iter().enumerate().map(|(i, _)| [125.0, i as f32 * 10.0]).collect();
    Embedding {
        choice,
        dataset: dataset.hash().into(),
        points: (0..dataset.len()).map(point).collect(),
        queries,
        explained: Some([0.34, 0.12]),
        finished: true,
    }
}

fn opened() -> Scene {
    let mut scene = Scene::loaded();
    scene.window.key_press(Key::Num7);
    scene.settle();
    scene
}

/// With the map of pixels by principal components.
pub(super) fn made() -> Scene {
    let mut scene = opened();
    let found = map(&scene, EmbedChoice::default());
    scene.emit(EventKind::Embedded(Box::new(found)));
    scene.emit(EventKind::Finished("map of 960 images".into()));
    scene.settle();
    scene
}

fn area(scene: &Scene) -> Rect {
    scene.window.get_by_label_contains("Map of 960 training images").rect()
}

/// The place of a point on screen: the map with its queries fits its area, apart from its margin.
fn place(scene: &Scene, [x, y]: [f32; 2]) -> Pos2 {
    let area = area(scene);
    let scale = ((area.width() - 36.0) / 125.0).min((area.height() - 36.0) / 70.0);
    area.center() + scale * vec2(x - 62.5, 35.0 - y)
}

fn drag(scene: &mut Scene, path: &[Pos2], modifiers: Modifiers) {
    let (Some(first), Some(last)) = (path.first().copied(), path.last().copied()) else { return };
    let button = |pos, pressed| Event::PointerButton { pos, button: PointerButton::Primary, pressed, modifiers };
    scene.window.input_mut().events.extend([
        Event::ModifiersChanged(modifiers),
        Event::PointerMoved(first),
        button(first, true),
    ]);
    scene.window.run();
    for at in path {
        scene.window.input_mut().events.push(Event::PointerMoved(*at));
        scene.window.run();
    }
    scene.window.input_mut().events.extend([button(last, false), Event::ModifiersChanged(Modifiers::NONE)]);
    scene.settle();
}

#[test]
fn the_map_is_looked_up_then_offered_with_its_cost_and_made_on_request() {
    let mut scene = opened();
    assert!(job(&scene).known_only && job(&scene).queries.len() == 6);
    let estimate = JobEstimate { models: 0, evaluations: 0, seconds: 40.0, peak_bytes: None };
    scene.emit(EventKind::Estimate(estimate));
    scene.emit(EventKind::Finished(String::new()));
    scene.settle();
    assert!(job(&scene).known_only, "40 s are not spent without asking");
    scene.window.get_by_label("Make the map (about 40 s)").click();
    scene.settle();
    assert!(!job(&scene).known_only);
    scene.emit(EventKind::Started);
    scene.window.get_by_label_contains("Making the map:");
    let (id, _) = scene.fake.last();
    scene.window.get_all_by_label("Cancel").next().unwrap().click();
    scene.settle();
    assert_eq!(scene.fake.cancelled(), Some(id));
    scene.emit(EventKind::Cancelled);
    scene.window.get_by_label("Make the map (about 40 s)");
}

#[test]
fn a_map_that_is_quick_is_made_by_itself_and_choices_are_looked_up_once() {
    let mut scene = opened();
    let estimate = JobEstimate { models: 0, evaluations: 0, seconds: 0.4, peak_bytes: None };
    scene.emit(EventKind::Estimate(estimate));
    scene.emit(EventKind::Finished(String::new()));
    scene.settle();
    assert!(!job(&scene).known_only);
    let found = map(&scene, EmbedChoice::default());
    scene.emit(EventKind::Embedded(Box::new(found)));
    scene.emit(EventKind::Finished("map of 960 images".into()));
    scene.settle();
    scene.window.get_by_label_contains("34% and 12% of the variance");
    let count = scene.fake.count();
    scene.window.get_by_label("t-SNE").click();
    scene.settle();
    let expected = EmbedChoice { vectors: EmbedVectors::Pixels, layout: EmbedLayout::Tsne };
    assert_eq!((scene.fake.count(), job(&scene).choice, job(&scene).known_only), (count + 1, expected, true));
    scene.emit(EventKind::Finished(String::new()));
    scene.window.get_by_label("PCA").click();
    scene.settle();
    scene.window.get_by_label_contains("34% and 12% of the variance");
    assert_eq!(scene.fake.count(), count + 1, "it is known");
    scene.rests();
}

#[test]
fn a_click_selects_an_image_and_a_query() {
    let mut scene = made();
    let target = scene.app().state.dataset.as_ref().unwrap().indices_of(3)[60];
    let at = place(&scene, [60.0, 30.0]);
    scene.window.hover_at(at);
    scene.window.run();
    let button =
        |pressed| Event::PointerButton { pos: at, button: PointerButton::Primary, pressed, modifiers: Modifiers::NONE };
    // In one frame: frames of tests are far apart.
    scene.window.input_mut().events.extend([button(true), button(false)]);
    scene.settle();
    assert_eq!(scene.app().state.image, Some(target));
    let value = scene.window.get_by_label_contains("Map of 960").accesskit_node().value().unwrap_or_default();
    assert_eq!(value, scene.app().state.dataset.as_ref().unwrap().image_name(target));
}

#[test]
fn a_lasso_filters_the_library_and_is_cleared_there() {
    let mut scene = made();
    // Around the first two groups, from left to right.
    let corners = [[-3.0, -4.0], [122.0, -4.0], [122.0, 14.0], [-3.0, 14.0]];
    let path: Vec<Pos2> = corners.iter().map(|c| place(&scene, *c)).collect();
    drag(&mut scene, &path, Modifiers::SHIFT);
    scene.window.get_by_label("240 images in the lasso");
    scene.window.get_by_label("Show in library").click();
    super::library::settle(&mut scene);
    scene.window.get_by_label("Grid of 240 training images");
    scene.window.get_by_label("Lasso: 240 images");
    scene.window.get_by_label("Clear lasso").click();
    super::library::settle(&mut scene);
    scene.window.get_by_label("Grid of 960 training images");
}

#[test]
fn the_legend_hides_groups_from_the_map_and_from_the_lasso() {
    let mut scene = made();
    let first = scene.app().state.group_name(0).to_owned();
    scene.window.get_by_label(&format!("Show {first} on the map")).click();
    scene.settle();
    assert_eq!(scene.app().forms.embedding.hidden, [0].into());
    scene.window.get_by_label("Lasso").click();
    scene.settle();
    let corners = [[-3.0, -4.0], [122.0, -4.0], [122.0, 14.0], [-3.0, 14.0]];
    let path: Vec<Pos2> = corners.iter().map(|c| place(&scene, *c)).collect();
    drag(&mut scene, &path, Modifiers::NONE);
    scene.window.get_by_label("120 images in the lasso");
    scene.window.get_by_label("Show all").click();
    scene.settle();
    assert!(scene.app().forms.embedding.hidden.is_empty());
}

#[test]
fn keys_zoom_and_move_the_map_and_reset_it() {
    let mut scene = made();
    scene.window.ctx.memory_mut(|m| m.request_focus(crate::app::widgets::point_map::id()));
    scene.window.run();
    let view = |scene: &Scene| scene.app().forms.embedding.view;
    let before = view(&scene);
    scene.window.key_press(Key::Plus);
    scene.settle();
    assert!(view(&scene).zoom > before.zoom);
    scene.window.key_press(Key::ArrowRight);
    scene.settle();
    assert!(view(&scene).middle[0] > before.middle[0]);
    assert_eq!(scene.app().state.group, None, "arrows on the map do not move the group");
    scene.window.get_by_label("Reset view").click();
    scene.settle();
    assert_eq!(view(&scene), before);
}

#[test]
fn new_queries_are_placed_on_a_map_that_is_there() {
    let mut scene = made();
    let count = scene.fake.count();
    scene.act(Action::Generate);
    let dataset = scene.app().state.dataset.clone().unwrap();
    let image = whence_jobs::QueryImage {
        name: "new".into(),
        origin: whence_jobs::QueryOrigin::Seed(99),
        shape: dataset.shape(),
        pixels: dataset.pixels(11).to_vec(),
        generated: None,
        notes: vec![],
    };
    let generation = scene.fake.last().0;
    scene.push(generation, EventKind::QueryReady(Box::new(image)));
    scene.push(generation, EventKind::Finished("done".into()));
    scene.settle();
    assert_eq!(scene.fake.count(), count + 2);
    assert!(job(&scene).known_only && job(&scene).queries.len() == 7);
    let found = map(&scene, EmbedChoice::default());
    scene.emit(EventKind::Embedded(Box::new(found)));
    scene.emit(EventKind::Finished(String::new()));
    scene.settle();
    scene.window.get_by_label("Map of 960 training images and 7 query images");
    assert_eq!(scene.fake.count(), count + 2, "and asked for once");
}

#[test]
fn an_empty_map_says_what_will_be_here() {
    let mut scene = Scene::new();
    scene.act(Action::ShowPanel(PanelId::Embedding));
    scene.window.get_by_label("Embedding map");
    scene.window.get_by_label_contains("what is alike lies together. Open a dataset first.");
}

/// The real engine on a copy of the demo.
#[test]
fn the_demo_is_mapped_by_its_features() {
    let folder = tempfile::tempdir().unwrap();
    let project = super::gallery::demo(folder.path());
    let engine = Box::new(whence_engine::Engine::start("cpu", || {}).unwrap());
    let fake = std::sync::Arc::new(super::scenes::Fake::default());
    let mut window = egui_kittest::Harness::<crate::app::WhenceApp>::builder()
        .with_size([1280.0, 800.0])
        .build_eframe(move |creation| crate::app::WhenceApp::for_test(&creation.egui_ctx, engine, fake));
    let ctx = window.ctx.clone();
    let mut wait = |done: &dyn Fn(&crate::app::WhenceApp) -> bool, first: Option<Command>| {
        if let Some(command) = first {
            window.state_mut().command(&ctx, command);
        }
        let begun = std::time::Instant::now();
        while !done(window.state()) {
            window.step();
            assert!(begun.elapsed() < std::time::Duration::from_secs(120), "{:?}", window.state().state.jobs);
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        window.step();
    };
    let open = |app: &crate::app::WhenceApp| app.state.dataset.is_some() && app.state.jobs.is_empty();
    wait(&open, Some(Command::Open(project)));
    let pixels = EmbedChoice::default();
    let made = move |app: &crate::app::WhenceApp, choice| app.state.embeddings.map(choice).is_some_and(|m| m.finished);
    wait(&|app| made(app, pixels), Some(Command::Act(Action::ShowPanel(PanelId::Embedding))));
    let features = EmbedChoice { vectors: EmbedVectors::Bottleneck, layout: EmbedLayout::Tsne };
    wait(&|app| made(app, features), Some(Command::Embed(features)));
    let app = window.state();
    let map = app.state.embeddings.map(features).unwrap();
    assert_eq!(map.queries.len(), app.state.queries.len(), "every query has a place");
    // Neighbours on the map are of one style far more often than by chance, which is one in eight.
    let dataset = app.state.dataset.as_ref().unwrap();
    let distance = |a: usize, b: usize| {
        let ([ax, ay], [bx, by]) = (map.points[a], map.points[b]);
        (ax - bx).hypot(ay - by)
    };
    let nearest = |own: usize| {
        let others = (0..dataset.len()).filter(|other| *other != own);
        others.min_by(|a, b| distance(own, *a).total_cmp(&distance(own, *b))).unwrap()
    };
    let same = (0..dataset.len()).filter(|own| dataset.group_of(nearest(*own)) == dataset.group_of(*own)).count();
    assert!(same * 2 > dataset.len(), "{same} of {}", dataset.len());
}
