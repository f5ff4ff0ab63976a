//! Single panels with the demo's images, computed maps and regenerated images, without the window.

use std::sync::Arc;

use eframe::egui_wgpu::{RenderState, RendererOptions};
use egui::Ui;
use egui_kittest::wgpu::{WgpuTestRenderer, create_render_state, default_wgpu_setup};
use egui_kittest::{Harness, HarnessBuilder};

use super::scenes::Scene;
use crate::app::actions::Command;
use crate::app::forms::Forms;
use crate::app::library::Library;
use crate::app::panels::{View, evidence, query_image};
use crate::app::shell::Shell;
use crate::app::state::{Job, JobStatus, State};
use crate::app::widgets::{Textures, install};
use crate::app::{forms, theme};
use whence_data::ImageShape;
use whence_diffusion::elbo::{FullPass, ScoreMap, ScorerQuery, Timesteps};
use whence_diffusion::{Codec, Condition, Denoiser, NoiseSchedule, SchedulerConfig};
use whence_jobs::{AffectedImage, EventKind, Evidence, JobSpec, Progress, Regenerated};
use whence_nn::SampleShape;

/// A panel.
pub type Panel = fn(&mut Ui, &mut View<'_>);

/// The inputs of a panel, and its commands.
pub struct Bench {
    pub state: State,
    pub forms: Forms,
    pub textures: Textures,
    library: Library,
    shell: Shell,
    pub out: Vec<Command>,
    panel: Panel,
}

/// A software renderer; none without a graphics adapter.
pub fn graphics() -> Option<RenderState> {
    let made = std::panic::catch_unwind(|| create_render_state(default_wgpu_setup(), RendererOptions::PREDICTABLE));
    made.inspect_err(|_| eprintln!("skipped: there is no graphics adapter, not even a software one")).ok()
}

/// The same builder with the shaders installed.
pub fn with_graphics<S>(builder: HarnessBuilder<S>, graphics: RenderState) -> HarnessBuilder<S> {
    let renderer = WgpuTestRenderer::from_render_state(graphics.clone());
    builder.renderer(renderer).with_context_setup(move |ctx| {
        theme::apply(ctx);
        install(ctx, &graphics);
    })
}

/// A panel over a state.
pub fn show(builder: HarnessBuilder<Bench>, panel: Panel, state: State) -> Harness<'static, Bench> {
    let forms = Forms { appearance: forms::Appearance::default(), ..Forms::default() };
    let (library, shell, textures) = Default::default();
    let bench = Bench { state, forms, library, shell, textures, out: Vec::new(), panel };
    let draw = |ui: &mut Ui, bench: &mut Bench| {
        let Bench { state, forms, library, shell, textures, out, panel } = bench;
        let fill = theme::tokens(ui).window;
        let frame = egui::Frame::new().fill(fill).inner_margin(egui::Margin::same(16));
        egui::CentralPanel::default_margins()
            .frame(frame)
            .show(ui, |ui| panel(ui, &mut View { state, forms, library, shell, textures, out }));
        textures.end_frame();
    };
    builder.with_max_steps(16).with_render_cursor(false).build_ui_state(draw, bench)
}

/// Without the shaders, as in a window without a graphics card.
pub fn plain(panel: Panel, size: [f32; 2], state: State) -> Harness<'static, Bench> {
    show(Harness::builder().with_size(size).with_context_setup(theme::apply), panel, state)
}

/// The explained demo, with one image on screen and its first group selected.
pub fn explained() -> State {
    let mut scene = Scene::done();
    let mut state = std::mem::take(&mut scene.window.state_mut().state);
    state.group = state.groups().iter().position(|g| g == "pointillism");
    state
}

/// Adds evidence to the query on screen.
pub fn found(state: &mut State, kind: EventKind) {
    let key = state.current.unwrap();
    assert!(state.query_mut(key).unwrap().evidence.take(kind));
}

/// Adds an evidence job; running where it has progress.
pub fn running_evidence(state: &mut State, what: Evidence, progress: Option<Progress>) {
    let job = Forms::default().build_evidence_job(state, what, None).unwrap();
    let spec = JobSpec::Evidence(Box::new(job));
    let mut job = Job::new(99, spec, "Look".into(), state.current, false);
    if progress.is_some() {
        (job.status, job.progress) = (JobStatus::Running, progress);
    }
    state.started(job);
}

/// A job's progress.
pub fn progress(phase: &str, fraction: f64) -> Progress {
    Progress { phase: phase.into(), fraction, seconds_left: Some(12.0), queue_seconds_left: None }
}

/// A stand-in for the regenerated query, at a step of 50.
pub fn regenerated(state: &State, step: usize) -> Regenerated {
    let query = &state.query().unwrap().image;
    let (area, width) = (query.shape.height * query.shape.width, query.shape.width);
    let bump = |i: usize| bump(query.shape, i % area / width, i % width, 0.4, 0.5);
    let paint = |(i, v): (usize, &u8)| (f32::from(*v) * (1.0 - 0.55 * bump(i)) + 60.0 * bump(i)) as u8;
    Regenerated { step, steps: 50, pixels: query.pixels.iter().enumerate().map(paint).collect() }
}

/// Affected images of the selected group.
pub fn affected_images(state: &State) -> Vec<AffectedImage> {
    let images = state.dataset.as_ref().unwrap().indices_of(state.group.unwrap());
    images
        .iter()
        .take(20)
        .enumerate()
        .map(|(i, &index)| AffectedImage { index, score: 31.0 - 2.1 * i as f64 })
        .collect()
}

/// A Gaussian bump: 1 at a position, given as shares of the image's sides, and 0 far from it.
fn bump(shape: ImageShape, y: usize, x: usize, down: f32, right: f32) -> f32 {
    let (dy, dx) = (y as f32 / shape.height as f32 - down, x as f32 / shape.width as f32 - right);
    (-(dy * dy + dx * dx) / 0.03).exp()
}

/// A denoiser that scales by a fixed factor, with an error around one position.
struct Local {
    shape: ImageShape,
    wrong: f32,
    at: (f32, f32),
}

impl Denoiser for Local {
    fn predict_noise(&self, x: &[f32], _: &[usize], _: &[Condition]) -> whence_base::Result<Vec<f32>> {
        let (area, width) = (self.shape.height * self.shape.width, self.shape.width);
        let bump = |i: usize| bump(self.shape, i % area / width, i % width, self.at.0, self.at.1);
        Ok(x.iter().enumerate().map(|(i, v)| v * (0.7 + self.wrong * bump(i))).collect())
    }

    fn shape(&self) -> SampleShape {
        whence_diffusion::sample_shape(self.shape)
    }
}

/// Score maps of the query on screen by the real scorer, where each group's model has its error at another position.
pub fn maps(state: &State, groups: usize) -> Vec<Arc<ScoreMap>> {
    let query = &state.query().unwrap().image;
    let shape = query.shape;
    let schedule = NoiseSchedule::new(&SchedulerConfig::default()).unwrap();
    let plan = "50".parse::<Timesteps>().unwrap().plan(&schedule, 1, 0, &query.pixels).unwrap();
    let queries =
        [ScorerQuery::of_image(&Codec::Identity { image: shape }, query.pixels.clone(), Condition::None, plan)];
    let full = Local { shape, wrong: 0.0, at: (0.5, 0.5) };
    let pass = FullPass::run(&full, &schedule, &queries, 0, 64, &mut |_, _| Ok(())).unwrap();
    (0..groups)
        .map(|g| {
            let turn = g as f32 * 0.8;
            let at = (0.5 + 0.3 * turn.sin(), 0.5 + 0.3 * turn.cos());
            let other = Local { shape, wrong: if g % 3 == 1 { -0.05 } else { 0.02 + 0.02 * g as f32 }, at };
            Arc::new(ScoreMap::compute(&pass, &other, &mut |_, _| Ok(())).unwrap().remove(0))
        })
        .collect()
}

/// The same state with maps of its first groups.
pub fn mapped(mut state: State, groups: usize) -> State {
    for (group, map) in maps(&state, groups).into_iter().enumerate() {
        found(&mut state, EventKind::Mapped { group, map: Box::new((*map).clone()) });
    }
    state
}

/// The image at the left, its evidence at the right, as in *Explain*.
pub fn explain(ui: &mut Ui, view: &mut View<'_>) {
    let (left, right) = ui.available_rect_before_wrap().split_left_right_at_fraction(0.46);
    ui.scope_builder(egui::UiBuilder::new().id_salt("image").max_rect(left), |ui| query_image::show(ui, view));
    ui.scope_builder(egui::UiBuilder::new().id_salt("evidence").max_rect(right), |ui| evidence::show(ui, view));
}
