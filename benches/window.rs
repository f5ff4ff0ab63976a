//! Frame times of the real window while the wall of training images scrolls, and while the
//! embedding map of all of them is enlarged.
//!
//! `cargo bench --bench window -- [DATASET]`: opens the window over 50,000 images of 32 x 32 (painted ones where no
//! dataset is named), scrolls without a pause, first with an idle engine, then while it unlearns groups of the demo.
//!
//! A frame's own time is what this program does on the window's thread: events, panels, new images turned to pixels
//! and handed over, tessellation, buffers, commands recorded and submitted. Not in it: the graphics card's own drawing,
//! told apart in the last column (with software in its place that runs on the same cores), and showing the frame. The
//! first columns are what the thread computed, which others on the same machine do not change; then by the clock.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use whence::app::bench::{Times, Window};
use whence::demo::{STYLES, paint};
use whence_data::{Dataset, LoadOptions};
use whence_jobs::{AttributeJob, JobSpec, QuerySource, SampleSettings};
use whence_methods::ScoreSettings;
use whence_training::unlearning::Recipe;

type Failure = Box<dyn std::error::Error>;

/// Images, and frames of one run.
const IMAGES: usize = 50_000;
const FRAMES: usize = 200;

/// Paints a dataset of as many images as CIFAR-10 has for training.
fn painted(folder: &Path) -> Result<(), Failure> {
    for number in 0..IMAGES {
        let style = number % STYLES.len();
        let group = folder.join(STYLES.get(style).unwrap_or(&"other"));
        std::fs::create_dir_all(&group)?;
        paint(style, (number / STYLES.len()) as u64, 32, 1).save(group.join(format!("{number:05}.png")))?;
    }
    Ok(())
}

/// A job that keeps the engine busy: unlearning a group of the demo, longer than anybody measures.
fn unlearning(store: &Path) -> Result<JobSpec, Failure> {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo");
    Ok(JobSpec::Attribute(Box::new(AttributeJob {
        model: demo.join("model"),
        data: demo.join("paintings"),
        group_column: None,
        class_map: None,
        queries: vec![QuerySource::Image { name: "grey".into(), pixels: vec![128; 3 * 32 * 32] }],
        sampling: SampleSettings::default(),
        method: "guda".into(),
        groups: Vec::new(),
        settings: ScoreSettings { timesteps: "20".parse()?, ..ScoreSettings::default() },
        null: 0,
        confirm: false,
        recipe: Recipe { steps: 2000, ..Recipe::default() },
        counterfactuals: None,
        keep_in: store.to_owned(),
        out: None,
        neighbours: 0,
        live: true,
        dry_run: false,
        known_only: false,
    })))
}

fn percentile(sorted: &[Duration], share: f64) -> f64 {
    let place = ((sorted.len() as f64 * share).ceil() as usize).saturating_sub(1);
    sorted.get(place).map_or(0.0, |d| d.as_secs_f64() * 1e3)
}

/// Turns the wheel over the embedding map by so many points a frame, back and forth: every frame draws all points anew.
fn zoom(window: &mut Window, what: &str, speed: f32) -> Result<(), Failure> {
    for _ in 0..30 {
        window.step(0.0)?;
    }
    let mut times = Vec::new();
    for frame in 0..FRAMES {
        let direction = if frame / 20 % 2 == 0 { 1.0 } else { -1.0 };
        times.push(window.step(direction * speed)?);
    }
    let row = figures(&times);
    println!("| {what} | map | {speed:.0} | {row} | 0 |");
    Ok(())
}

/// Scrolls by so many points a frame, back and forth, and tells how long frames took.
fn scroll(window: &mut Window, what: &str, tile: f32, speed: f32) -> Result<(), Failure> {
    window.tile(tile);
    for _ in 0..30 {
        window.step(0.0)?;
    }
    let (mut times, mut down, mut stood, mut way, mut waited) = (Vec::new(), 1.0, 0, 0.0, 0);
    for _ in 0..FRAMES {
        let before = window.top();
        times.push(window.step(down * speed)?);
        let moved = (window.top() - before).abs();
        way += moved;
        waited += usize::from(window.is_loading());
        // At an end: turn round.
        stood = if moved < 1.0 { stood + 1 } else { 0 };
        if stood > 3 {
            (down, stood) = (-down, 0);
        }
    }
    let row = figures(&times);
    let way = way / FRAMES as f64;
    println!("| {what} | {tile:.0} | {way:.0} | {row} | {waited} |");
    Ok(())
}

/// The columns of a row: how long frames took.
fn figures(times: &[Times]) -> String {
    let sorted = |part: fn(&Times) -> Duration| {
        let mut all: Vec<_> = times.iter().map(part).collect();
        all.sort_unstable();
        all
    };
    let (own, ui, drawing) = (sorted(Times::own), sorted(|t| t.ui), sorted(|t| t.drawing));
    let computed = sorted(|t| t.computed.unwrap_or_default());
    let figures = [
        (&computed, 0.5),
        (&computed, 0.95),
        (&computed, 0.99),
        (&own, 0.5),
        (&own, 0.95),
        (&own, 0.99),
        (&ui, 0.95),
        (&drawing, 0.5),
    ];
    let figures: Vec<String> = figures.iter().map(|(all, share)| format!("{:.2}", percentile(all, *share))).collect();
    figures.join(" | ")
}

fn main() -> Result<(), Failure> {
    let work = tempfile::tempdir()?;
    let path = match std::env::args().skip(1).find(|a| a != "--bench") {
        Some(path) => PathBuf::from(path),
        None => {
            painted(work.path())?;
            work.path().to_owned()
        }
    };
    let dataset = Dataset::load(&path, &LoadOptions::default(), &mut |_, _| Ok(()))?;
    let mut window = Window::new(dataset.clone(), "cpu")?;
    println!("{} images of {}, drawn by {}", dataset.len(), dataset.name(), window.adapter());
    let begun = Instant::now();
    let mut frames = 0;
    while frames < 3 || window.is_loading() {
        window.step(0.0)?;
        frames += 1;
        std::thread::sleep(Duration::from_millis(2));
    }
    println!("first images there after {:.0} ms\n", begun.elapsed().as_secs_f64() * 1e3);
    println!(
        "| engine | tile | points a frame | computed p50, ms | p95 | p99 | by the clock p50 | p95 | p99 | panels p95 | \
         drawing p50 | frames of {FRAMES} with images missing |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    );
    let runs = [(16.0, 30.0), (16.0, 600.0), (64.0, 120.0), (64.0, 600.0), (256.0, 120.0)];
    for (tile, speed) in runs {
        scroll(&mut window, "idle", tile, speed)?;
    }
    window.show_map()?;
    for speed in [0.0, 15.0] {
        zoom(&mut window, "idle", speed)?;
    }
    window.show_library();
    let store = tempfile::tempdir()?;
    window.run(unlearning(store.path())?);
    for _ in 0..300 {
        window.step(0.0)?;
        std::thread::sleep(Duration::from_millis(10));
    }
    for (tile, speed) in runs {
        scroll(&mut window, "unlearns", tile, speed)?;
    }
    window.show_map()?;
    for speed in [0.0, 15.0] {
        zoom(&mut window, "unlearns", speed)?;
    }
    if !window.is_working() {
        return Err(format!("the job ended too early: {:?}", window.notifications()).into());
    }
    Ok(())
}
