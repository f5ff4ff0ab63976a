//! A world where the truth is known: images drawn from Gaussians. The best denoiser, the ELBO and what leaving a group
//! out does have closed forms, so the whole way from noise to agreement is checked against arithmetic of this file.

use whence_base::random::epsilon;
use whence_data::{Dataset, LoadOptions};
use whence_diffusion::elbo::{Estimate, FullPass, ScorerQuery, Timesteps};
use whence_diffusion::{BetaSchedule, Codec, Condition, Denoiser, NoiseSchedule, SchedulerConfig};
use whence_evaluation::{Agreement, Options, Pairing};
use whence_methods::GaussianLeaveOut;
use whence_nn::SampleShape;

const SIDE: usize = 4;
const SIZE: usize = SIDE * SIDE;
const GROUPS: usize = 4;

/// Group `g`: its own mean and its own direction of large variance.
fn image(group: usize, number: u64) -> Vec<u8> {
    let noise = epsilon(group as u64, b"gaussian world", 1, number as usize, SIZE + 1);
    (0..SIZE)
        .map(|k| {
            let wave = |f: f32| ((k * (group + 1)) as f32 * f).sin();
            let value = 128.0 + 25.0 * wave(0.9) + 18.0 * noise[k] + 30.0 * noise[SIZE] * wave(1.7);
            value.round().clamp(0.0, 255.0) as u8
        })
        .collect()
}

fn world() -> (tempfile::TempDir, Dataset) {
    let folder = tempfile::tempdir().unwrap();
    for group in 0..GROUPS {
        let path = folder.path().join(format!("group-{group}"));
        std::fs::create_dir(&path).unwrap();
        for number in 0..40 {
            let image = image::GrayImage::from_raw(SIDE as u32, SIDE as u32, image(group, number)).unwrap();
            image.save(path.join(format!("{number:02}.png"))).unwrap();
        }
    }
    let dataset = Dataset::load(folder.path(), &LoadOptions::default(), &mut |_, _| Ok(())).unwrap();
    (folder, dataset)
}

/// The best linear denoiser of some images: noise = s (a² C + s² I)⁻¹ (x - a m).
struct Analytic {
    mean: Vec<f64>,
    covariance: Vec<Vec<f64>>,
    schedule: NoiseSchedule,
}

impl Analytic {
    fn of(dataset: &Dataset, without: Option<usize>, schedule: &NoiseSchedule) -> Self {
        let kept: Vec<Vec<f64>> = (0..dataset.len())
            .filter(|&i| dataset.group_of(i) != without)
            .map(|i| dataset.pixels(i).iter().map(|b| f64::from(*b) / 127.5 - 1.0).collect())
            .collect();
        let n = kept.len() as f64;
        let mean: Vec<f64> = (0..SIZE).map(|k| kept.iter().map(|x| x[k]).sum::<f64>() / n).collect();
        let entry = |i: usize, j: usize| kept.iter().map(|x| (x[i] - mean[i]) * (x[j] - mean[j])).sum::<f64>() / n;
        let mut covariance: Vec<Vec<f64>> = (0..SIZE).map(|i| (0..SIZE).map(|j| entry(i, j)).collect()).collect();
        // The closed form adds a hundredth of the mean variance to every direction.
        let ridge = 0.01 * (0..SIZE).map(|i| covariance[i][i]).sum::<f64>() / SIZE as f64;
        (0..SIZE).for_each(|i| covariance[i][i] += ridge);
        Self { mean, covariance, schedule: schedule.clone() }
    }
}

/// Gauss elimination; the matrix is positive definite.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    for i in 0..SIZE {
        for j in i + 1..SIZE {
            let factor = a[j][i] / a[i][i];
            let row = a[i].clone();
            a[j].iter_mut().zip(&row).for_each(|(v, r)| *v -= factor * r);
            b[j] -= factor * b[i];
        }
    }
    for i in (0..SIZE).rev() {
        let known: f64 = (i + 1..SIZE).map(|j| a[i][j] * b[j]).sum();
        b[i] = (b[i] - known) / a[i][i];
    }
    b
}

impl Denoiser for Analytic {
    fn predict_noise(&self, x: &[f32], timesteps: &[usize], _: &[Condition]) -> whence_base::Result<Vec<f32>> {
        Ok(x.chunks(SIZE)
            .zip(timesteps)
            .flat_map(|(x, &t)| {
                let (signal, noise) = self.schedule.signal_and_noise(t);
                let matrix = (0..SIZE)
                    .map(|i| {
                        let own = |j| if i == j { noise * noise } else { 0.0 };
                        (0..SIZE).map(|j| signal * signal * self.covariance[i][j] + own(j)).collect()
                    })
                    .collect();
                let right = x.iter().zip(&self.mean).map(|(x, m)| f64::from(*x) - signal * m).collect();
                solve(matrix, right).into_iter().map(move |v| (noise * v) as f32).collect::<Vec<_>>()
            })
            .collect())
    }

    fn shape(&self) -> SampleShape {
        SampleShape { channels: 1, height: SIDE, width: SIDE }
    }
}

#[test]
fn drawn_scores_meet_the_closed_form_within_their_errors_and_rank_alike() {
    let (_folder, dataset) = world();
    let config = SchedulerConfig { beta_schedule: BetaSchedule::SquaredcosCapV2, ..SchedulerConfig::default() };
    let schedule = NoiseSchedule::new(&config).unwrap();
    let grid: Timesteps = "20..1000/20".parse().unwrap();
    let draws = 4;
    let codec = Codec::Identity { image: dataset.shape() };
    let pixels: Vec<Vec<u8>> = (0..24).map(|q| image(q as usize % GROUPS, 1000 + q)).collect();
    let queries: Vec<ScorerQuery> = pixels
        .iter()
        .map(|p| ScorerQuery::of_image(&codec, p.clone(), Condition::None, grid.plan(&schedule, draws, 5, p).unwrap()))
        .collect();
    let full = Analytic::of(&dataset, None, &schedule);
    let pass = FullPass::run(&full, &schedule, &queries, 5, 64, &mut |_, _| Ok(())).unwrap();
    let estimates: Vec<Vec<Estimate>> = (0..GROUPS)
        .map(|group| {
            let without = Analytic::of(&dataset, Some(group), &schedule);
            let terms = pass.terms(&without, &mut |_, _| Ok(())).unwrap();
            terms.iter().map(|t| Estimate::from_terms(t, draws)).collect()
        })
        .collect();

    let fitted = GaussianLeaveOut::fit(&dataset, &mut |_, _| Ok(())).unwrap();
    let groups: Vec<usize> = (0..GROUPS).collect();
    let (mut squares, mut count, mut largest) = (0.0, 0.0, 0.0f64);
    let mut table = Pairing {
        queries: (0..queries.len()).map(|q| q.to_string()).collect(),
        groups: dataset.groups().to_vec(),
        scores: Vec::new(),
        reference: Vec::new(),
        reference_errors: None,
        only_in_scores: Vec::new(),
        only_in_reference: Vec::new(),
    };
    for (q, pixels) in pixels.iter().enumerate() {
        let exact = fitted.scores(pixels, &schedule, grid, &groups).unwrap();
        for (group, exact) in exact.iter().enumerate() {
            let drawn = estimates[group][q];
            let z = (drawn.score - exact) / drawn.std_err;
            squares += z * z;
            count += 1.0;
            largest = largest.max(z.abs());
        }
        table.scores.push(exact);
        table.reference.push((0..GROUPS).map(|g| estimates[g][q].score).collect());
    }
    assert!(squares / count > 0.5 && squares / count < 1.6 && largest < 4.5, "{} {largest}", squares / count);
    let agreement = Agreement::of(&table, &Options::default());
    let value = |name: &str| agreement.metric(name).unwrap().value;
    assert!(value("top1") > 0.9 && value("ndcg@3_exp") > 0.9 && value("spearman") > 0.8, "{:?}", agreement.metrics);
    // And the first place is the group that the query was drawn from, which is no input of any score.
    let own = table.scores.iter().enumerate().filter(|(q, s)| s.iter().all(|v| *v <= s[q % GROUPS])).count();
    assert!(own >= 22, "{own} of 24");
}
