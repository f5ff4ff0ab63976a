//! How time and space grow with groups, images, queries and parameters.
//!
//! `cargo bench --bench growth -- [OUT]`: runs the main job on made-up datasets and fresh networks, one quantity varied at
//! a time, six unlearning steps of 16 + 16 images a group, 20 timesteps a query. Writes `growth.csv`, `growth.md` and
//! `growth.svg` into OUT (default `docs/results/growth`).

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use burn::module::Module as _;
use burn::tensor::Device;
use whence_base::random::epsilon;
use whence_diffusion::{Pipeline, SchedulerConfig};
use whence_engine::Engine;
use whence_jobs::{AttributeJob, EventKind, JobSpec, QuerySource, SampleSettings};
use whence_methods::ScoreSettings;
use whence_models::NetworkConfig;
use whence_nn::weights::Precision;
use whence_store::{Kind, Store};
use whence_training::unlearning::Recipe;

type Failure = Box<dyn std::error::Error>;

/// One run's size.
#[derive(Clone, Copy)]
struct Size {
    groups: usize,
    images: usize,
    queries: usize,
    width: usize,
}

const BASE: Size = Size { groups: 4, images: 400, queries: 4, width: 16 };

/// One run's result.
struct Row {
    varied: &'static str,
    value: usize,
    first: f64,
    next: f64,
    reading: f64,
    bytes_a_model: u64,
}

fn dataset(folder: &Path, size: Size) -> Result<(), Failure> {
    for image in 0..size.images {
        let group = folder.join(format!("group-{:02}", image % size.groups));
        std::fs::create_dir_all(&group)?;
        let pixels: Vec<u8> =
            epsilon(7, &image.to_le_bytes(), 1, 0, 768).iter().map(|v| (128.0 + 50.0 * v) as u8).collect();
        image::save_buffer(group.join(format!("{image:05}.png")), &pixels, 16, 16, image::ColorType::Rgb8)?;
    }
    Ok(())
}

fn model(folder: &Path, size: Size) -> Result<usize, Failure> {
    let text = std::fs::read_to_string("assets/demo/model/config.json")?;
    let mut config: serde_json::Value = serde_json::from_str(&text)?;
    let change = serde_json::json!({
        "sample_size": 16,
        "block_out_channels": [size.width, 2 * size.width],
        "down_block_types": ["DownBlock2D", "AttnDownBlock2D"],
        "up_block_types": ["AttnUpBlock2D", "UpBlock2D"],
    });
    if let (Some(config), Some(change)) = (config.as_object_mut(), change.as_object()) {
        config.extend(change.clone());
    }
    let config = NetworkConfig::from_json(&config.to_string(), "growth")?;
    let model = Pipeline::with_random_weights(&config, &SchedulerConfig::default(), 1, &Device::flex())?;
    model.save(folder, Precision::Float32)?;
    Ok(model.network.num_params())
}

/// Seconds of a job from its start to its end.
fn run(job: &AttributeJob) -> Result<f64, Failure> {
    let engine = Engine::start("cpu", || {})?;
    let begun = Instant::now();
    engine.run(JobSpec::Attribute(Box::new(job.clone())))?;
    loop {
        match engine.events().recv_timeout(std::time::Duration::from_secs(600))?.kind {
            EventKind::Finished(_) => return Ok(begun.elapsed().as_secs_f64()),
            EventKind::Failed(text) => return Err(text.to_string().into()),
            _ => {}
        }
    }
}

fn measure(varied: &'static str, size: Size) -> Result<Row, Failure> {
    let work = tempfile::tempdir()?;
    let path = |name: &str| work.path().join(name);
    dataset(&path("images"), size)?;
    let parameters = model(&path("model"), size)?;
    let query = |i: usize| QuerySource::Image {
        name: format!("query-{i}"),
        pixels: epsilon(9, &i.to_le_bytes(), 1, 0, 768).iter().map(|v| (128.0 + 50.0 * v) as u8).collect(),
    };
    let mut job = AttributeJob {
        model: path("model"),
        data: path("images"),
        group_column: None,
        class_map: None,
        queries: (0..size.queries).map(query).collect(),
        sampling: SampleSettings::default(),
        method: "guda".into(),
        groups: vec![],
        settings: ScoreSettings { timesteps: "20".parse()?, ..ScoreSettings::default() },
        null: 0,
        confirm: false,
        recipe: Recipe { steps: 6, batch: 16, learning_rate: Some(1e-4), ..Recipe::default() },
        counterfactuals: None,
        keep_in: path("store"),
        out: None,
        neighbours: 0,
        live: false,
        dry_run: false,
        known_only: false,
    };
    let first = run(&job)?;
    // Everything is known: what is left is reading.
    let reading = run(&job)?;
    job.queries = (size.queries..2 * size.queries).map(query).collect();
    let next = run(&job)?;
    let store = Store::read_only(&path("store"))?;
    let keys = store.keys(Kind::Counterfactual);
    let bytes: u64 =
        keys.iter().filter_map(|k| store.path(Kind::Counterfactual, k).metadata().ok()).map(|m| m.len()).sum();
    let value = match varied {
        "groups" => size.groups,
        "images" => size.images,
        "queries" => size.queries,
        _ => parameters,
    };
    let row = Row { varied, value, first, next, reading, bytes_a_model: bytes / keys.len().max(1) as u64 };
    eprintln!("{varied} {value}: {first:.1} s, next queries {next:.1} s, reading {reading:.1} s");
    Ok(row)
}

fn main() -> Result<(), Failure> {
    let out = std::env::args().skip(1).find(|a| a != "--bench").map_or("docs/results/growth".into(), PathBuf::from);
    let mut rows = Vec::new();
    for groups in [2, 4, 10, 30, 60] {
        rows.push(measure("groups", Size { groups, images: 600, ..BASE })?);
    }
    for images in [100, 1000, 10_000, 50_000] {
        rows.push(measure("images", Size { images, ..BASE })?);
    }
    for queries in [1, 4, 16, 64] {
        rows.push(measure("queries", Size { queries, ..BASE })?);
    }
    for width in [8, 16, 32, 64] {
        rows.push(measure("parameters", Size { width, ..BASE })?);
    }
    std::fs::create_dir_all(&out)?;
    let mut csv = "varied,value,first_s,next_queries_s,reading_s,bytes_a_model\n".to_owned();
    let mut table =
        "| varied | value | first attribution, s | as many new queries, s | all known, s | bytes a model |\n\
                     | --- | --- | --- | --- | --- | --- |\n"
            .to_owned();
    for r in &rows {
        let numbers = [r.first, r.next, r.reading].map(|v| format!("{v:.2}"));
        writeln!(csv, "{},{},{},{}", r.varied, r.value, numbers.join(","), r.bytes_a_model)?;
        writeln!(table, "| {} | {} | {} | {} |", r.varied, r.value, numbers.join(" | "), r.bytes_a_model)?;
    }
    std::fs::write(out.join("growth.csv"), csv)?;
    std::fs::write(out.join("growth.md"), table)?;
    std::fs::write(out.join("growth.svg"), plot(&rows)?)?;
    Ok(())
}

/// Four small plots, both axes logarithmic: first attribution (solid) and as many new queries (dashed).
fn plot(rows: &[Row]) -> Result<String, std::fmt::Error> {
    let mut svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"880\" height=\"260\" font-family=\"sans-serif\" \
                   font-size=\"11\"><rect width=\"880\" height=\"260\" fill=\"white\"/>"
        .to_owned();
    for (panel, varied) in ["groups", "images", "queries", "parameters"].into_iter().enumerate() {
        let own: Vec<&Row> = rows.iter().filter(|r| r.varied == varied).collect();
        let x0 = 50.0 + 215.0 * panel as f64;
        let bounds = |values: Vec<f64>| {
            let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
            (low.ln(), (high * 1.001).ln())
        };
        let (left, right) = bounds(own.iter().map(|r| r.value as f64).collect());
        let (low, high) = bounds(rows.iter().flat_map(|r| [r.first, r.next]).map(|s| s.max(0.05)).collect());
        let x = |v: f64| x0 + 150.0 * (v.ln() - left) / (right - left);
        let y = |v: f64| 210.0 - 170.0 * (v.max(0.05).ln() - low) / (high - low);
        writeln!(svg, "<text x=\"{x0}\" y=\"25\" font-weight=\"bold\">{varied}</text>")?;
        writeln!(svg, "<path d=\"M{x0} 40V210H{}\" fill=\"none\" stroke=\"#888\"/>", x0 + 155.0)?;
        for seconds in [0.1, 1.0, 10.0, 100.0].into_iter().filter(|s: &f64| (low..=high).contains(&s.ln())) {
            writeln!(
                svg,
                "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{seconds} s</text>",
                x0 - 4.0,
                y(seconds) + 4.0
            )?;
        }
        for row in &own {
            let at = x(row.value as f64);
            writeln!(svg, "<text x=\"{at:.1}\" y=\"226\" text-anchor=\"middle\" font-size=\"9\">{}</text>", row.value)?;
        }
        for (dash, pick) in [("none", (|r: &Row| r.first) as fn(&Row) -> f64), ("4 3", |r| r.next)] {
            let points: Vec<String> =
                own.iter().map(|r| format!("{:.1},{:.1}", x(r.value as f64), y(pick(r)))).collect();
            writeln!(
                svg,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"#1f6fb2\" stroke-width=\"2\" stroke-dasharray=\"{dash}\"/>",
                points.join(" ")
            )?;
        }
    }
    svg.push_str(
        "<text x=\"50\" y=\"250\">solid: first attribution; dashed: as many new queries afterwards</text></svg>\n",
    );
    Ok(svg)
}
