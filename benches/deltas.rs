//! How exactly differences between models must be kept.
//!
//! `cargo bench --bench deltas -- MODEL COUNTERFACTUALS QUERIES [COUNT]`: for each precision the bytes a model takes and
//! by how much scores change, in standard errors of the score with one draw of the published grid. COUNTERFACTUALS
//! holds one diffusers folder a group, such as `whence retrain` or diffusers itself writes.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use whence_data::load_image;
use whence_diffusion::elbo::{Estimate, FullPass, ScorerQuery, Timesteps};
use whence_diffusion::{Condition, Pipeline};
use whence_nn::ParameterSelection;
use whence_nn::delta::{DeltaPrecision, decode, encode};

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
    all.sort();
    all
}

fn main() -> whence_base::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let [model, others, queries, rest @ ..] = arguments.as_slice() else {
        eprintln!("give MODEL COUNTERFACTUALS QUERIES [COUNT]");
        return Ok(());
    };
    let count = rest.first().and_then(|n| n.parse().ok()).unwrap_or(8);
    let full = Pipeline::load(Path::new(model), &Device::flex())?;
    let queries: Vec<ScorerQuery> = entries(Path::new(queries))
        .iter()
        .filter(|p| p.extension().is_some_and(|e| e == "png"))
        .take(count)
        .map(|p| {
            let pixels = load_image(p, full.image_shape())?.pixels;
            let plan = Timesteps::OFFICIAL.plan(full.schedule(), 1, 0, &pixels)?;
            Ok(ScorerQuery::of_image(full.codec(), pixels, Condition::None, plan))
        })
        .collect::<whence_base::Result<_>>()?;
    let pass = FullPass::run(&full, full.schedule(), &queries, 0, 1 << 16, &mut |_, _| Ok(()))?;
    let scores = |other: &Pipeline| -> whence_base::Result<Vec<Estimate>> {
        Ok(pass.terms(other, &mut |_, _| Ok(()))?.iter().map(|t| Estimate::from_terms(t, 1)).collect())
    };
    println!("| precision | bytes a model | mean change, standard errors | largest |");
    println!("| --- | --- | --- | --- |");
    let precisions = [DeltaPrecision::Float32, DeltaPrecision::Float16, DeltaPrecision::Int8, DeltaPrecision::Int4];
    let mut rows = vec![(0usize, Vec::new()); precisions.len()];
    let mut models = 0;
    for folder in entries(Path::new(others)).into_iter().filter(|p| p.join("config.json").is_file()) {
        let other = Pipeline::load(&folder, full.device())?;
        let exact = scores(&other)?;
        models += 1;
        for (precision, (bytes, changes)) in precisions.iter().zip(&mut rows) {
            let delta = encode(&full.network, &other.network, *precision, &ParameterSelection::All)?;
            *bytes += delta.len();
            let again = scores(&full.with_network(decode(&full.network, delta.as_slice(), &ParameterSelection::All)?))?;
            changes.extend(exact.iter().zip(again).map(|(a, b)| ((a.score - b.score) / a.std_err).abs()));
        }
    }
    for (precision, (bytes, changes)) in precisions.iter().zip(rows) {
        let mean = changes.iter().sum::<f64>() / changes.len().max(1) as f64;
        let largest = changes.iter().copied().fold(0.0, f64::max);
        println!("| {precision:?} | {} | {mean:.4} | {largest:.4} |", bytes / models.max(1));
    }
    Ok(())
}
