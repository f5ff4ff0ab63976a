//! Scoring whole queries side by side with the plain PyTorch scorer: the same models, images and machine, in turn.
//!
//! `cargo bench --bench pipeline -- --python PYTHON [--peer torch_peer.py] MODEL DATA COUNTERFACTUALS QUERIES [COUNT]`
//!
//! COUNTERFACTUALS holds one diffusers folder a group (`whence unlearn --out`), QUERIES images. Three ways: PyTorch on
//! every tenth timestep, Whence on the same grid, Whence stopping when the leader is clear. Each whole program run is timed,
//! start and reading included; Top-1 is compared with Whence's grid at four draws.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

type Best = BTreeMap<String, String>;

struct Way {
    name: &'static str,
    seconds: f64,
    evaluations: f64,
    best: Best,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mut python, mut peer) = (None, PathBuf::from("../shared/peer/torch_peer.py"));
    let mut paths = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--python" => python = arguments.next(),
            "--peer" => peer = arguments.next().map_or(peer, PathBuf::from),
            "--bench" => {}
            other => paths.push(PathBuf::from(other)),
        }
    }
    let [model, data, others, queries, rest @ ..] = paths.as_slice() else {
        eprintln!("give MODEL DATA COUNTERFACTUALS QUERIES [COUNT]");
        return Ok(());
    };
    let count = rest.first().and_then(|c| c.to_str()?.parse().ok()).unwrap_or(12);
    let work = tempfile::tempdir()?;
    let images = work.path().join("queries");
    std::fs::create_dir(&images)?;
    let mut files: Vec<PathBuf> = std::fs::read_dir(queries)?.flatten().map(|e| e.path()).collect();
    files.sort();
    files.retain(|f| f.extension().is_some_and(|e| e == "png"));
    files.truncate(count);
    for file in &files {
        std::fs::copy(file, images.join(file.file_name().unwrap_or_default()))?;
    }
    let mut groups: Vec<PathBuf> = std::fs::read_dir(others)?.flatten().map(|e| e.path()).collect();
    groups.sort();
    groups.retain(|g| g.join("config.json").is_file());

    let whence = |extra: &[&str], out: &str| -> Result<(f64, Best, f64), Box<dyn std::error::Error>> {
        let out = work.path().join(out);
        let mut command = Command::new(env!("CARGO_BIN_EXE_whence"));
        command.args(["attribute", "--device", "cpu", "--json"]).args(extra);
        command.arg("--model").arg(model).arg("--data").arg(data).arg("--counterfactuals").arg(others);
        command.arg("--query").args(&files).arg("--out").arg(&out);
        let begun = Instant::now();
        let output = command.output()?;
        let seconds = begun.elapsed().as_secs_f64();
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        let (mut best, mut all) = (Best::new(), BTreeMap::<String, Vec<f64>>::new());
        let mut reader = csv::Reader::from_path(out.join("scores.csv"))?;
        for row in reader.deserialize::<BTreeMap<String, String>>() {
            let row = row?;
            let query = row.get("query").cloned().unwrap_or_default();
            all.entry(query.clone()).or_default().push(row.get("evaluations").map_or(Ok(0.0), |e| e.parse())?);
            if row.get("rank").is_some_and(|r| r == "1") {
                best.entry(query).or_insert(row.get("group").cloned().unwrap_or_default());
            }
        }
        let each = all.values().map(|e| e.iter().sum::<f64>() + e.iter().copied().fold(0.0, f64::max));
        let evaluations = each.sum::<f64>() / all.len().max(1) as f64;
        Ok((seconds, best, evaluations))
    };
    let (_, truth, _) = whence(&["--draws", "4", "--seed", "9"], "truth")?;
    let mut ways = Vec::new();
    if let Some(python) = &python {
        let csv = work.path().join("peer.csv");
        let mut command = Command::new(python);
        command.arg(&peer).arg("score").arg(model).args(&groups).arg("--images").arg(&images).arg("--out").arg(&csv);
        let begun = Instant::now();
        let output = command.output()?;
        let seconds = begun.elapsed().as_secs_f64();
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        let best = peer_best(&csv, &groups)?;
        let evaluations = 99.0 * (groups.len() + 1) as f64;
        ways.push(Way { name: "PyTorch, every tenth timestep", seconds, evaluations, best });
    }
    let (seconds, best, evaluations) = whence(&[], "grid")?;
    ways.push(Way { name: "Whence, every tenth timestep", seconds, evaluations, best });
    let budget = (99 * (groups.len() + 1) / 4).to_string();
    let (seconds, best, evaluations) = whence(&["--budget", &budget], "early")?;
    ways.push(Way { name: "Whence, until the leader is clear", seconds, evaluations, best });

    println!("{} queries, {} groups\n", files.len(), groups.len());
    println!("| way | seconds | evaluations a query | Top-1 as the grid of four draws | time against the first |");
    println!("| --- | --- | --- | --- | --- |");
    let first = ways.first().map_or(f64::NAN, |w| w.seconds);
    for way in &ways {
        let same = truth.iter().filter(|(query, group)| way.best.get(*query) == Some(group)).count();
        println!(
            "| {} | {:.1} | {:.0} | {same} of {} | {:.2} |",
            way.name,
            way.seconds,
            way.evaluations,
            truth.len(),
            way.seconds / first
        );
    }
    Ok(())
}

/// The group of the highest score of each image, from the published layout.
fn peer_best(path: &Path, groups: &[PathBuf]) -> Result<Best, Box<dyn std::error::Error>> {
    let mut best: BTreeMap<String, (f64, usize)> = BTreeMap::new();
    for row in csv::Reader::from_path(path)?.deserialize::<(String, usize, f64)>() {
        let (image, class, score) = row?;
        let entry = best.entry(image).or_insert((f64::NEG_INFINITY, 0));
        if score > entry.0 {
            *entry = (score, class);
        }
    }
    let name = |class: usize| groups.get(class).and_then(|g| g.file_name()).map(|n| n.to_string_lossy().into_owned());
    Ok(best.into_iter().filter_map(|(image, (_, class))| Some((image, name(class)?))).collect())
}
