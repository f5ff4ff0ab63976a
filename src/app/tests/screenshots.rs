//! Screenshots of the window's states, to be checked by eye: `WHENCE_SCREENSHOTS=folder cargo test screenshots`.
//!
//! Nothing is compared. Skipped without a graphics adapter.

use std::path::PathBuf;

use egui::Theme;
use egui_kittest::{Harness, wgpu as renderer};

use super::bench::{self, Panel};
use super::scenes::{Scene, paintings};
use super::{messages, names, reading, shell, trust};
use crate::app::WhenceApp;
use crate::app::actions::Action;
use crate::app::forms::Brush;
use crate::app::panels::PanelId;
use crate::app::panels::score_map;
use crate::app::state::State;
use crate::app::theme::Choice;
use whence_diffusion::elbo::Region;
use whence_jobs::{EventKind, Evidence, GenerateQuery, JobSpec, Progress, SampleSettings};
use whence_methods::Attribution;

/// How a scene is brought into a state.
pub type Prepare = fn(&mut Scene);

const STATES: &[(&str, Prepare)] = &[
    ("50-embedding", embedding),
    ("51-embedding-lasso", lasso),
    ("52-pair", pair),
    ("53-filters", filters),
    ("1-empty", |_| {}),
    ("2-loading", loading),
    ("3-loaded", |scene| scene.load(None)),
    ("4-drawing", drawing),
    ("5-preview", |scene| {
        scene.load(None);
        scene.run(0);
    }),
    ("6-running", |scene| {
        scene.load(None);
        scene.run(3);
    }),
    ("7-done", |scene| {
        scene.load(None);
        scene.finish();
    }),
    ("8-failed", |scene| {
        scene.load(None);
        scene.run(2);
        let text = "wgpu: the device ran out of memory. Choose a smaller batch under Advanced, or --device cpu";
        scene.emit(EventKind::Failed(text.into()));
    }),
    ("9-nothing-opens", |scene| {
        scene.start(JobSpec::LoadModel("/models/broken".into()));
        let text = "the weights do not fit the settings: down_blocks.0.resnets.0.conv1.weight is 32x3x3x3 and should \
                    be 64x3x3x3. Restore the folder from a copy. (/models/broken)";
        scene.emit(EventKind::Failed(text.into()));
    }),
    ("10-help", |scene| {
        scene.load(None);
        scene.act(Action::Help);
    }),
    ("11-many", |scene| many(scene, |_| {})),
    ("12-advanced", |scene| {
        use egui_kittest::kittest::Queryable as _;
        scene.load(Some(10));
        scene.window.get_by_label("Advanced").click();
        scene.settle();
        scene.window.get_all_by_label_contains("DDIM, 50").take(1).for_each(|node| node.click());
        scene.settle();
    }),
    ("13-queue", |scene| {
        scene.load(None);
        scene.run(1);
        scene.act(Action::PreviousQuery);
        scene.act(Action::Explain);
        scene.emit(EventKind::Paused);
        scene.act(Action::PreviousQuery);
        scene.act(Action::Explain);
        scene.act(Action::Jobs);
    }),
    ("14-checked", |scene| {
        scene.load(None);
        scene.finish_with(|all| {
            trust::checked(all, false);
            trust::doubted(all, 1.0);
        });
        trust::hover(scene, "unlearning check failed");
    }),
    ("15-nothing", |scene| {
        scene.load(None);
        scene.finish_with(|all| {
            trust::checked(all, true);
            trust::doubted(all, 50.0);
        });
    }),
    ("16-early", |scene| {
        scene.load(None);
        scene.window.state_mut().forms.settings.stop = true;
        scene.finish_with(stopped);
    }),
    ("17-early-settings", |scene| {
        scene.load(None);
        scene.window.state_mut().forms.settings.stop = true;
        unfold(scene);
    }),
    ("18-forecast", |scene| {
        scene.load(None);
        scene.run(2);
        scene.emit(EventKind::Estimate(trust::ESTIMATE));
    }),
    ("19-long-names", |scene| {
        many(scene, |all| {
            trust::checked(all, true);
            trust::doubted(all, 60.0);
        });
    }),
    ("20-long-names-early", |scene| many(scene, stopped)),
    ("21-trust-settings", |scene| {
        scene.load(None);
        let settings = &mut scene.window.state_mut().forms.settings;
        (settings.control_groups, settings.confirm) = (2, true);
        unfold(scene);
    }),
    ("22-palette", |scene| {
        use egui_kittest::kittest::Queryable as _;
        scene.load(None);
        scene.act(Action::Palette);
        scene.window.get_by_label("Search or run").type_text("se");
    }),
    ("23-log", |scene| {
        scene.load(None);
        scene.finish();
        scene.act(Action::Star);
        scene.act(Action::Log);
    }),
    ("24-presentation", |scene| {
        scene.load(None);
        scene.finish();
        scene.act(Action::Present);
    }),
    ("25-contrast", |scene| {
        scene.load(None);
        scene.finish();
        scene.act(Action::Theme(Choice::Contrast));
    }),
    ("26-tour", |scene| {
        scene.load(None);
        scene.act(Action::Tour);
        scene.window.run();
    }),
    ("27-tab", |scene| {
        scene.load(None);
        scene.act(Action::ShowPanel(PanelId::ScoreMap));
    }),
    ("28-split", |scene| {
        scene.load(None);
        scene.finish();
        shell::split(scene);
    }),
    ("29-contrast-palette", |scene| {
        scene.load(None);
        scene.act(Action::Theme(Choice::Contrast));
        scene.act(Action::Palette);
    }),
    ("30-tour-explain", |scene| {
        scene.load(None);
        scene.act(Action::Tour);
        scene.window.state_mut().shell.tour = Some(1);
        scene.window.run();
    }),
    ("31-wrong-path", |scene| {
        scene.load(None);
        let forms = &mut scene.window.state_mut().forms;
        forms.path = "/images/lots".into();
        forms.path_error = Some("/images/lots does not exist. Check the path.".into());
    }),
    ("32-opening", |scene| scene.window.state_mut().state.opening = true),
    ("42-ready", |scene| {
        scene.load(None);
        super::results::two_results(scene);
    }),
    ("43-compared", |scene| {
        scene.load(None);
        super::results::two_results(scene);
        scene.act(Action::ShowPanel(PanelId::Compare));
    }),
    ("44-asked", |scene| {
        scene.load(None);
        super::results::asked(scene);
    }),
    ("45-export", |scene| {
        scene.load(None);
        scene.finish();
        scene.window.state_mut().forms.export.what = crate::app::export::Content::Drawing;
        scene.act(Action::Export);
    }),
    ("33-messages", |scene| {
        scene.load(None);
        scene.finish();
        messages::several(scene);
    }),
    ("34-names", |scene| {
        scene.many_into(names::named(), |_| {});
        names::find_fonts(scene);
    }),
    ("35-glossary", |scene| {
        scene.load(None);
        scene.finish();
        scene.act(Action::Glossary);
    }),
    ("36-tour-bars", |scene| {
        scene.load(None);
        scene.finish();
        scene.act(Action::Tour);
        scene.window.state_mut().shell.tour = Some(2);
    }),
    ("37-unlearning", |scene| {
        scene.load(None);
        scene.finish();
        reading::watched(scene);
    }),
    ("38-small", |scene| {
        scene.load(None);
        scene.finish();
        scene.window.set_size(egui::vec2(1024.0, 700.0));
    }),
    ("39-slide", |scene| {
        scene.load(None);
        scene.finish();
        scene.act(Action::Present);
    }),
    ("40-large", |scene| {
        scene.load(None);
        scene.finish();
        scene.window.set_size(egui::vec2(1920.0, 1080.0));
    }),
    ("41-tooltip", |scene| {
        scene.load(None);
        scene.finish();
        trust::hover(scene, "mosaic: +9.8");
    }),
];

fn unfold(scene: &mut Scene) {
    use egui_kittest::kittest::Queryable as _;
    scene.settle();
    scene.window.get_by_label("Advanced (changed)").click();
}

/// More groups than fit, with names that do not fit either.
fn many(scene: &mut Scene, change: fn(&mut Attribution)) {
    let folder = tempfile::tempdir().unwrap();
    for i in 0..40u8 {
        let name = format!("{i:02} artist with a very long name from a town whose name is longer still");
        let group = folder.path().join(name);
        std::fs::create_dir(&group).unwrap();
        for j in 0..14u8 {
            image::RgbImage::from_fn(16, 16, |x, y| image::Rgb([i * 6, (x as u8) * 16, (y as u8) * (j + 2)]))
                .save(group.join(format!("{j}.png")))
                .unwrap();
        }
    }
    let load = whence_data::LoadOptions::default();
    let dataset = whence_data::Dataset::load(folder.path(), &load, &mut |_, _| Ok(())).unwrap();
    scene.many_into(dataset, change);
}

/// Ranked with early stopping.
fn stopped(all: &mut Attribution) {
    let nats: Vec<f64> = all.scores.iter().map(|s| s.estimate.score).collect();
    all.scores.iter_mut().zip(nats).for_each(|(score, nats)| trust::early(score, nats));
}

fn loading(scene: &mut Scene) {
    scene.load_model(&paintings(), None);
    scene.start(JobSpec::LoadDataset("/projects/demo/paintings".into()));
    scene.emit(EventKind::Progress(Progress {
        phase: "reading images".into(),
        fraction: 0.4,
        seconds_left: Some(2.0),
        queue_seconds_left: None,
    }));
}

fn drawing(scene: &mut Scene) {
    scene.load(None);
    let mut pixels = scene.app().state.query().map(|q| q.image.pixels.clone()).unwrap_or_default();
    let mut noise = 12345u32;
    for value in &mut pixels {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *value = ((u32::from(*value) + (noise >> 24)) / 2) as u8;
    }
    let job = GenerateQuery { seed: 13, sampling: SampleSettings::default() };
    scene.start(JobSpec::GenerateQuery(job));
    scene.emit(EventKind::Preview { step: 12, steps: 50, pixels });
    scene.emit(EventKind::Progress(Progress {
        phase: "drawing".into(),
        fraction: 0.24,
        seconds_left: Some(4.0),
        queue_seconds_left: None,
    }));
}

/// The embedding map, each group a cloud.
fn embedding(scene: &mut Scene) {
    scene.load(None);
    scene.act(Action::ShowPanel(PanelId::Embedding));
    scene.settle();
    let mut map = super::embedding::map(scene, whence_jobs::EmbedChoice::default());
    let noise = whence_base::random::epsilon(0, b"map", 0, 0, 2 * map.points.len());
    let dataset = scene.app().state.dataset.clone().unwrap();
    for (image, point) in map.points.iter_mut().enumerate() {
        let angle = dataset.group_of(image).unwrap() as f32;
        *point = [30.0 * angle.cos() + 9.0 * noise[2 * image], 30.0 * angle.sin() + 9.0 * noise[2 * image + 1]];
    }
    for (query, point) in map.queries.iter_mut().enumerate() {
        *point = [-30.0 + 9.0 * query as f32, 4.0 * query as f32];
    }
    scene.emit(EventKind::Embedded(Box::new(map)));
    scene.emit(EventKind::Finished(String::new()));
    scene.settle();
}

fn lasso(scene: &mut Scene) {
    embedding(scene);
    let app = scene.window.state_mut();
    app.library.options.filter.lasso = Some(std::sync::Arc::new((0..960).filter(|i| i % 9 < 2).collect()));
    app.state.image = Some(9);
    app.forms.embedding.hidden = [3].into();
    let dataset = app.state.dataset.clone().unwrap();
    assert!(dataset.len() == 960);
}

fn pair(scene: &mut Scene) {
    scene.load(None);
    scene.act(Action::ShowPanel(PanelId::Library));
    let ctx = scene.window.ctx.clone();
    for image in [5, 300] {
        scene.window.state_mut().command(&ctx, crate::app::actions::Command::SelectImage(Some(image)));
    }
    super::library::settle(scene);
    scene.act(Action::Rate(4));
    scene.act(Action::PairView);
    super::library::settle(scene);
}

fn filters(scene: &mut Scene) {
    scene.load(None);
    scene.act(Action::ShowPanel(PanelId::Library));
    scene.act(Action::Rate(3));
    scene.act(Action::PreviousQuery);
    scene.act(Action::Reject);
    scene.window.state_mut().library.options.filter.groups = [1, 2, 6].into();
    super::library::settle(scene);
    use egui_kittest::kittest::Queryable as _;
    scene.window.get_by_label("Groups to show: 3 of 8 groups").click();
    super::library::settle(scene);
}

#[test]
fn screenshots() {
    let Some(folder) = std::env::var_os("WHENCE_SCREENSHOTS").map(PathBuf::from) else { return };
    let only = std::env::var("WHENCE_SCREENSHOTS_ONLY").unwrap_or_default();
    let state = std::panic::catch_unwind(|| {
        renderer::create_render_state(renderer::default_wgpu_setup(), eframe::egui_wgpu::RendererOptions::PREDICTABLE)
    });
    if state.is_err() {
        eprintln!("skipped: there is no graphics adapter, not even a software one");
        return;
    }
    std::fs::create_dir_all(&folder).unwrap();
    for (theme, theme_name) in [(Theme::Dark, "dark"), (Theme::Light, "light")] {
        for (size, scale, size_name) in [([1280.0, 800.0], 1.0, "1280x800"), ([1280.0, 720.0], 2.0, "2560x1440")] {
            for (name, prepare) in STATES.iter().copied().chain(super::project_scenes::STATES) {
                let file = format!("{name}-{theme_name}-{size_name}.png");
                if !file.contains(&only) {
                    continue;
                }
                let builder = Harness::<WhenceApp>::builder()
                    .with_size(size)
                    .with_pixels_per_point(scale)
                    .with_theme(theme)
                    .wgpu();
                let builder = if name.contains("names") { builder.allow_missing_glyphs() } else { builder };
                let mut scene = Scene::build(builder);
                prepare(&mut scene);
                scene.settle();
                scene.window.render().unwrap().save(folder.join(file)).unwrap();
            }
        }
    }
}

type Look = fn() -> State;

/// Single panels, at the sizes that they have in a small and in a large window.
const PANELS: [(&str, Panel, [[f32; 2]; 2], Look); 11] = [
    ("evidence-1-empty", bench::explain, EVIDENCE, bench::explained),
    ("evidence-2-drawing", bench::explain, EVIDENCE, || {
        let mut state = bench::explained();
        bench::running_evidence(&mut state, Evidence::Regenerate, Some(bench::progress("drawing", 0.24)));
        let (group, image) = (state.group, bench::regenerated(&state, 12));
        bench::found(&mut state, EventKind::Regenerated { group, image });
        state
    }),
    ("evidence-3-done", bench::explain, EVIDENCE, || regenerated(false)),
    ("evidence-4-file", bench::explain, EVIDENCE, || regenerated(true)),
    ("evidence-5-difference", bench::explain, EVIDENCE, || regenerated(false)),
    ("evidence-6-side", bench::explain, EVIDENCE, || {
        let mut state = regenerated(false);
        let (group, image) = (state.group.unwrap(), bench::regenerated(&state, 50));
        bench::found(&mut state, EventKind::RegeneratedByRetrained { group, image });
        state
    }),
    ("where-1-empty", score_map::show, WHERE, bench::explained),
    ("where-2-running", score_map::show, WHERE, || {
        let mut state = bench::mapped(bench::explained(), 5);
        bench::running_evidence(&mut state, Evidence::Map, Some(bench::progress("mapping woodcut", 0.6)));
        state
    }),
    ("where-3-done", score_map::show, WHERE, || bench::mapped(bench::explained(), 8)),
    ("where-4-region", score_map::show, WHERE, || bench::mapped(bench::explained(), 8)),
    ("where-5-cool", score_map::show, WHERE, || {
        let mut state = bench::mapped(bench::explained(), 8);
        state.group = Some(5);
        state
    }),
];
const EVIDENCE: [[f32; 2]; 2] = [[592.0, 362.0], [1180.0, 640.0]];
const WHERE: [[f32; 2]; 2] = [[1020.0, 690.0], [2260.0, 1300.0]];

fn regenerated(file: bool) -> State {
    let mut state = bench::explained();
    let (group, image) = (state.group, bench::regenerated(&state, 50));
    if file {
        bench::found(&mut state, EventKind::Regenerated { group: None, image: image.clone() });
    }
    bench::found(&mut state, EventKind::Regenerated { group, image });
    let images = bench::affected_images(&state);
    bench::found(&mut state, EventKind::MostAffected { group: group.unwrap(), images });
    let (dataset, key) = (state.dataset.clone().unwrap(), state.current.unwrap());
    let query = state.query_mut(key).unwrap();
    let near = whence_data::nearest(&dataset, &query.image.pixels, group.unwrap(), 12);
    query.nearest.insert(group.unwrap(), near);
    state
}

#[test]
fn panel_screenshots() {
    let Some(folder) = std::env::var_os("WHENCE_SCREENSHOTS").map(PathBuf::from) else { return };
    let only = std::env::var("WHENCE_SCREENSHOTS_ONLY").unwrap_or_default();
    std::fs::create_dir_all(&folder).unwrap();
    for (name, panel, sizes, state) in PANELS {
        for (theme, theme_name) in [(Theme::Dark, "dark"), (Theme::Light, "light")] {
            for size in sizes {
                let file = format!("{name}-{theme_name}-{}x{}.png", size[0], size[1]);
                if !file.contains(&only) {
                    continue;
                }
                let Some(graphics) = bench::graphics() else { return };
                let builder = bench::with_graphics(Harness::builder().with_size(size).with_theme(theme), graphics);
                let mut harness = bench::show(builder, panel, state());
                if name.contains("region") {
                    let query = harness.state().state.current.unwrap();
                    let appearance = &mut harness.state_mut().forms.appearance;
                    let region = Region { left: 4, top: 8, right: 15, bottom: 20 };
                    (appearance.brush, appearance.smooth) = (Some(Brush { query, region }), true);
                }
                harness.run();
                let key = match name {
                    "evidence-5-difference" => Some("Difference"),
                    "evidence-6-side" => Some("Side by side"),
                    _ => None,
                };
                if let Some(key) = key {
                    use egui_kittest::kittest::Queryable as _;
                    harness.get_by_label(key).click_accesskit();
                }
                harness.run();
                harness.render().unwrap().save(folder.join(file)).unwrap();
            }
        }
    }
}
