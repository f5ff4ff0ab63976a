//! The real window without a screen, frame by frame, for `benches/window.rs`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::App as _;
use eframe::egui_wgpu::{RenderState, RendererOptions, ScreenDescriptor, WgpuConfiguration};
use egui::{Event, Modifiers, MouseWheelSource, MouseWheelUnit, Pos2, RawInput, Rect, TouchPhase, Vec2, pos2, vec2};

use super::files::{FilePicker, Pick};
use super::panels::PanelId;
use super::render_target;
use super::window::WhenceApp;
use whence_base::{Error, Result};
use whence_data::Dataset;
use whence_engine::Engine;
use whence_jobs::{EmbedChoice, Embedding, JobSpec};

/// Where the time of a frame went.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    /// Events taken in, panels laid out; what is new on the wall turned to pixels and handed to the graphics card.
    pub ui: Duration,
    /// Shapes turned to triangles.
    pub tessellation: Duration,
    /// Triangles and egui's own textures handed over, commands recorded and submitted.
    pub upload: Duration,
    /// Waiting until the graphics card, or the software in its place, has drawn.
    pub drawing: Duration,
    /// What the window's thread computed in this frame, whatever else ran on the same cores: all of the above without
    /// waiting. Only on Linux.
    pub computed: Option<Duration>,
}

impl Times {
    /// The part that is this program's: everything but drawing.
    pub fn own(&self) -> Duration {
        self.ui + self.tessellation + self.upload
    }
}

/// How long this thread has computed so far. Linux brings it up to date whenever the thread waits.
fn computed() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(text.split_whitespace().next()?.parse().ok()?))
}

/// Chooses no file.
struct NoPicker;

impl FilePicker for NoPicker {
    fn pick(&self, _what: Pick) -> Option<PathBuf> {
        None
    }
}

/// A window of 1280 x 800 points that shows the library.
pub struct Window {
    app: WhenceApp,
    ctx: egui::Context,
    frame: eframe::Frame,
    render: RenderState,
    time: f64,
}

const SIZE: Vec2 = vec2(1280.0, 800.0);

impl Window {
    /// Opens a window over this dataset, with an engine behind it.
    ///
    /// # Errors
    /// Where there is neither a graphics card nor software in its place, or the engine does not start.
    pub fn new(dataset: Dataset, device: &str) -> Result<Self> {
        let device_error = |what: String| Error::Device {
            device: "window".into(),
            what,
            remedy: "Install a Vulkan driver; Mesa's lavapipe draws in software".into(),
        };
        let setup = eframe::egui_wgpu::WgpuSetup::from(eframe::egui_wgpu::WgpuSetupCreateNew::without_display_handle());
        let instance = pollster::block_on(setup.new_instance());
        let config = WgpuConfiguration { wgpu_setup: setup, ..Default::default() };
        let render = RenderState::create(&config, &instance, None, RendererOptions::default());
        let render = pollster::block_on(render).map_err(|e| device_error(e.to_string()))?;
        let ctx = egui::Context::default();
        let engine = Engine::start(device, || {})?;
        let mut app = WhenceApp::for_test(&ctx, Box::new(engine), Arc::new(NoPicker));
        app.state.dataset = Some(dataset);
        app.state.dataset_id = 1;
        app.dock.show(PanelId::Library);
        let mut frame = eframe::Frame::_new_kittest();
        frame.wgpu_render_state = Some(render.clone());
        Ok(Self { app, ctx, frame, render, time: 0.0 })
    }

    /// What draws: a card, or software.
    #[must_use]
    pub fn adapter(&self) -> String {
        self.render.adapter.get_info().name
    }

    /// Sets the size of the tiles, in points.
    pub fn tile(&mut self, side: f32) {
        self.app.library.side = side;
    }

    /// Shows the embedding map with a point per image of the dataset: clouds, as t-SNE makes them.
    ///
    /// # Errors
    /// Where no dataset is open.
    pub fn show_map(&mut self) -> Result<()> {
        let state = &mut self.app.state;
        let choice = EmbedChoice::default();
        let (Some(job), Some(dataset)) = (state.embed_job(choice, true), state.dataset.clone()) else {
            return Err(Error::internal("no dataset is open"));
        };
        let noise = whence_base::random::epsilon(0, b"map", 0, 0, 2 * dataset.len());
        let noise = noise.as_chunks::<2>().0.iter();
        let point = |(image, [x, y]): (usize, &[f32; 2])| {
            let angle = dataset.group_of(image).unwrap_or_default() as f32;
            [40.0 * angle.cos() + 9.0 * x, 40.0 * angle.sin() + 9.0 * y]
        };
        let points = noise.enumerate().map(point).collect();
        let hash = dataset.hash().to_owned();
        let map = Embedding { choice, dataset: hash, points, finished: true, ..Embedding::default() };
        state.take_embedding(&job, map);
        self.app.dock.show(PanelId::Embedding);
        Ok(())
    }

    /// Shows the library.
    pub fn show_library(&mut self) {
        self.app.dock.show(PanelId::Library);
    }

    /// Hands a job to the engine.
    pub fn run(&mut self, spec: JobSpec) {
        self.app.start(spec, false);
    }

    /// Whether a job waits or runs.
    #[must_use]
    pub fn is_working(&self) -> bool {
        !self.app.state.jobs.is_empty()
    }

    /// What failed.
    #[must_use]
    pub fn notifications(&self) -> Vec<String> {
        self.app.state.notifications.iter().map(|n| n.text.clone()).collect()
    }

    /// Whether images or an order are still missing.
    #[must_use]
    pub fn is_loading(&self) -> bool {
        self.app.library.is_behind() || self.app.library.grid.is_loading()
    }

    /// How far the wall is scrolled, in points.
    #[must_use]
    pub fn top(&self) -> f64 {
        self.app.library.grid.scroll_offset()
    }

    /// One frame, with the wheel turned by `scroll` points.
    ///
    /// # Errors
    /// Where the graphics card does not answer.
    pub fn step(&mut self, scroll: f32) -> Result<Times> {
        self.time += 1.0 / 60.0;
        let mut events = vec![Event::PointerMoved(pos2(800.0, 450.0))];
        if scroll != 0.0 {
            events.push(Event::MouseWheel {
                unit: MouseWheelUnit::Point,
                delta: vec2(0.0, -scroll),
                phase: TouchPhase::Move,
                source: MouseWheelSource::Unknown,
                modifiers: Modifiers::NONE,
            });
        }
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, SIZE)),
            time: Some(self.time),
            events,
            ..RawInput::default()
        };
        let (before, begun) = (computed(), Instant::now());
        let (app, frame) = (&mut self.app, &mut self.frame);
        app.logic(&self.ctx, frame);
        let output = self.ctx.run_ui(input, |ui| app.ui(ui, frame));
        let ui = begun.elapsed();
        let triangles = self.ctx.tessellate(output.shapes, output.pixels_per_point);
        let tessellation = begun.elapsed() - ui;
        self.draw(&triangles, output.textures_delta);
        let upload = begun.elapsed() - ui - tessellation;
        let wait = wgpu::PollType::Wait { submission_index: None, timeout: Some(Duration::from_secs(20)) };
        self.render.device.poll(wait).map_err(|e| Error::Device {
            device: "window".into(),
            what: e.to_string(),
            remedy: "Try again with less else running".into(),
        })?;
        let drawing = begun.elapsed() - ui - tessellation - upload;
        // Long enough to be set aside once, where drawing was quicker than that.
        std::thread::sleep(Duration::from_micros(200));
        let computed = computed().zip(before).map(|(now, before)| now.saturating_sub(before));
        Ok(Times { ui, tessellation, upload, drawing, computed })
    }

    fn draw(&self, triangles: &[egui::ClippedPrimitive], mut textures: egui::TexturesDelta) {
        let (device, queue) = (&self.render.device, &self.render.queue);
        let mut renderer = self.render.renderer.write();
        for (id, deltas) in textures.set.drain() {
            deltas.iter().for_each(|delta| renderer.update_texture(device, queue, id, delta));
        }
        let screen = ScreenDescriptor { size_in_pixels: [SIZE.x as u32, SIZE.y as u32], pixels_per_point: 1.0 };
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let others = renderer.update_buffers(device, queue, &mut encoder, triangles, &screen);
        let format = (self.render.target_format, wgpu::TextureUsages::empty());
        render_target::record(device, &mut encoder, &renderer, format, triangles, &screen);
        queue.submit(others.into_iter().chain([encoder.finish()]));
        for id in textures.free.drain() {
            renderer.free_texture(&id);
        }
    }
}
