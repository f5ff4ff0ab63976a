//! The images of README and docs: the real program with the real engine on the demo, at two sizes and in both themes.
//! `WHENCE_GALLERY=docs/images cargo test --release --lib gallery`
//!
//! Nothing is compared. Skipped without a graphics adapter.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::{Theme, Vec2, vec2};
use egui_kittest::{Harness, wgpu as renderer};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};

use super::scenes::Fake;
use crate::app::WhenceApp;
use crate::app::actions::{Action, Command};
use crate::app::panels::PanelId;
use crate::app::state::JobStatus;
use whence_engine::Engine;
use whence_jobs::Evidence;

/// Timeout of a job.
const TIMEOUT: Duration = Duration::from_secs(900);

const SIZES: [(&str, Vec2); 2] = [("1280x800", vec2(1280.0, 800.0)), ("2560x1440", vec2(2560.0, 1440.0))];

struct Gallery {
    window: Harness<'static, WhenceApp>,
    folder: PathBuf,
}

impl Gallery {
    fn command(&mut self, command: Command) {
        let ctx = self.window.ctx.clone();
        self.window.state_mut().command(&ctx, command);
        self.window.run_steps(2);
    }

    /// Runs frames until all jobs have ended; panics where one failed.
    fn wait(&mut self) {
        let begun = Instant::now();
        loop {
            self.window.run_steps(2);
            std::thread::sleep(Duration::from_millis(20));
            let app = self.window.state();
            if app.state.jobs.is_empty() && !app.is_finding_nearest() {
                break;
            }
            assert!(begun.elapsed() < TIMEOUT, "{:?}", app.state.active());
        }
        self.window.run_steps(8);
        let failed = self.window.state().state.history.iter().find(|j| matches!(j.status, JobStatus::Failed(_)));
        assert!(failed.is_none(), "{:?}", failed.map(|j| &j.status));
    }

    /// Saves screenshots in every size and theme.
    fn take(&mut self, name: &str) {
        for (size_name, size) in SIZES {
            self.window.set_size(size);
            for (theme_name, theme) in [("dark", Theme::Dark), ("light", Theme::Light)] {
                self.window.ctx.set_theme(theme);
                self.window.run_steps(8);
                let path = self.folder.join(format!("{name}-{size_name}-{theme_name}.png"));
                let image = self.window.render().unwrap();
                let file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
                // These images are committed, so they are compressed as far as possible.
                let encoder = PngEncoder::new_with_quality(file, CompressionType::Best, FilterType::Adaptive);
                image::DynamicImage::from(image).to_rgb8().write_with_encoder(encoder).unwrap();
            }
        }
    }
}

/// A copy of the demo project, so that the checkout stays clean.
pub(super) fn demo(to: &Path) -> PathBuf {
    fn copy(from: &Path, to: &Path) {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
            let target = to.join(entry.file_name());
            if entry.path().is_dir() {
                copy(&entry.path(), &target)
            } else {
                _ = std::fs::copy(entry.path(), target).unwrap()
            }
        }
    }
    let root = to.join("demo");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo"), &root);
    root
}

#[test]
fn gallery() {
    let Some(folder) = std::env::var_os("WHENCE_GALLERY").map(PathBuf::from) else {
        eprintln!("skipped: WHENCE_GALLERY names no folder");
        return;
    };
    let adapter = std::panic::catch_unwind(|| {
        renderer::create_render_state(renderer::default_wgpu_setup(), eframe::egui_wgpu::RendererOptions::PREDICTABLE)
    });
    if adapter.is_err() {
        eprintln!("skipped: there is no graphics adapter");
        return;
    }
    std::fs::create_dir_all(&folder).unwrap();
    let temporary = tempfile::tempdir().unwrap();
    let project = demo(temporary.path());
    let engine = Box::new(Engine::start("cpu", || {}).unwrap());
    let window = Harness::<WhenceApp>::builder()
        .with_size(SIZES[0].1)
        .with_render_cursor(false)
        .wgpu()
        .build_eframe(move |creation| WhenceApp::for_test(&creation.egui_ctx, engine, Arc::new(Fake::default())));
    let mut gallery = Gallery { window, folder };
    gallery.command(Command::Open(project));
    gallery.window.run_steps(4);
    std::thread::sleep(Duration::from_millis(200));
    gallery.wait();
    gallery.command(Command::Act(Action::Explain));
    gallery.wait();
    let leader = gallery.window.state().state.group;
    for evidence in [Evidence::Regenerate, Evidence::Map] {
        gallery.command(Command::ComputeEvidence(evidence, None));
        gallery.wait();
    }
    for evidence in [Evidence::MostAffected, Evidence::Watch] {
        gallery.command(Command::ComputeEvidence(evidence, leader));
        gallery.wait();
    }
    gallery.command(Command::ExplainBy("gaussian"));
    gallery.wait();
    gallery.command(Command::ExplainBy("guda"));
    gallery.wait();
    let tabs = [
        ("explain", PanelId::Ranking),
        ("where", PanelId::ScoreMap),
        ("wall", PanelId::Wall),
        ("library", PanelId::Library),
        ("unlearning", PanelId::Unlearning),
        ("compare", PanelId::Compare),
        ("embedding", PanelId::Embedding),
    ];
    for (name, tab) in tabs {
        gallery.command(Command::Act(Action::ShowPanel(tab)));
        // The map is looked up first, and made where that is quick.
        (0..3).for_each(|_| gallery.wait());
        gallery.take(name);
    }
}
