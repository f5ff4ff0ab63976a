//! The closed form against a dense matrix and simulated noise.

use faer::linalg::solvers::Solve as _;

use super::*;
use whence_base::random::epsilon;
use whence_data::LoadOptions;
use whence_diffusion::{BetaSchedule, SchedulerConfig};

/// Images of 3 × 10 × 10 values: more values than principal components, and fewer images than values.
fn images() -> (tempfile::TempDir, Dataset) {
    let folder = tempfile::tempdir().unwrap();
    for (g, group) in ["a", "b", "c"].iter().enumerate() {
        std::fs::create_dir(folder.path().join(group)).unwrap();
        for i in 0..20u64 {
            let noise = epsilon(g as u64 * 100 + i, b"images", 1, 0, 300);
            let bytes: Vec<u8> = noise
                .iter()
                .enumerate()
                .map(|(k, e)| (128.0 + 30.0 * e + 40.0 * ((k * (g + 1)) as f32 / 9.0).sin()) as u8)
                .collect();
            let path = folder.path().join(group).join(format!("{i}.png"));
            image::RgbImage::from_raw(10, 10, bytes).unwrap().save(path).unwrap();
        }
    }
    let dataset = Dataset::load(folder.path(), &LoadOptions::default(), &mut |_, _| Ok(())).unwrap();
    (folder, dataset)
}

/// Mean over draws of |noise - predicted noise|², with the covariance as a dense matrix: no eigenvectors, no basis.
fn brute_force(dataset: &Dataset, leave_out: Option<usize>, query: &[u8], schedule: &NoiseSchedule, t: usize) -> f64 {
    let image = |p: &[u8]| -> Vec<f64> { p.iter().map(|b| f64::from(*b) / 127.5 - 1.0).collect() };
    let retained: Vec<Vec<f64>> =
        (0..dataset.len()).filter(|&i| dataset.group_of(i) != leave_out).map(|i| image(dataset.pixels(i))).collect();
    let (n, d) = (retained.len() as f64, query.len());
    let mean: Vec<f64> = (0..d).map(|k| retained.iter().map(|x| x[k]).sum::<f64>() / n).collect();
    let mut c = Mat::<f64>::zeros(d, d);
    for x in &retained {
        for i in 0..d {
            for j in 0..d {
                c[(i, j)] += (x[i] - mean[i]) * (x[j] - mean[j]) / n;
            }
        }
    }
    let ridge = RIDGE * (0..d).map(|i| c[(i, i)]).sum::<f64>() / d as f64;
    let (signal, noise) = schedule.signal_and_noise(t);
    let system = Mat::from_fn(d, d, |i, j| {
        signal * signal * (c[(i, j)] + if i == j { ridge } else { 0.0 }) + if i == j { noise * noise } else { 0.0 }
    });
    let solver = system.llt(Side::Lower).unwrap();
    let x0 = image(query);
    let draws = 600;
    let mut total = 0.0;
    for draw in 0..draws {
        let e = epsilon(7, b"brute force", t, draw, d);
        let right = Mat::from_fn(d, 1, |i, _| signal * x0[i] + noise * f64::from(e[i]) - signal * mean[i]);
        let solved = solver.solve(&right);
        total += (0..d).map(|i| (f64::from(e[i]) - noise * solved[(i, 0)]).powi(2)).sum::<f64>();
    }
    total / draws as f64
}

#[test]
fn scores_are_those_of_a_dense_matrix_and_drawn_noise() {
    let (_folder, dataset) = images();
    let config = SchedulerConfig { beta_schedule: BetaSchedule::SquaredcosCapV2, ..SchedulerConfig::default() };
    let schedule = NoiseSchedule::new(&config).unwrap();
    let fitted = GaussianLeaveOut::fit(&dataset, &mut |_, _| Ok(())).unwrap();
    assert!(fitted.basis.is_some(), "the components are used");
    let query = dataset.pixels(25).to_vec();
    for t in [40usize, 500] {
        let grid: Timesteps = format!("{t}..{}", t + 1).parse().unwrap();
        let scores = fitted.scores(&query, &schedule, grid, &[0, 1, 2]).unwrap();
        let full = brute_force(&dataset, None, &query, &schedule, t);
        for (group, score) in scores.iter().enumerate() {
            let without = brute_force(&dataset, Some(group), &query, &schedule, t);
            let expected = schedule.elbo_weight(t) * (without - full);
            // Noise is shared, so the sampled difference is close to its expectation.
            let allowed = 0.03 * expected.abs() + 0.02 * schedule.elbo_weight(t) * full / 10.0;
            assert!((score - expected).abs() < allowed, "{t} {group}: {score} for {expected}");
        }
        assert!(scores[1] > scores[0] && scores[1] > scores[2], "its own group matters most: {scores:?}");
    }
}
