use std::sync::Mutex;

use super::*;
use crate::elbo::Timesteps;
use crate::{Codec, Passes, SchedulerConfig};
use whence_nn::SampleShape;

const CODEC: Codec = Codec::Identity { image: whence_data::ImageShape { channels: 1, height: 2, width: 2 } };

/// Predicts a fixed fraction of its input; runs out of memory beyond `room` samples per pass.
struct Share {
    share: f32,
    room: usize,
    /// Samples of each pass.
    passes: Mutex<Vec<usize>>,
}

impl Share {
    fn new(share: f32, room: usize) -> Self {
        Self { share, room, passes: Mutex::default() }
    }
}

impl Denoiser for Share {
    fn predict_noise(&self, x: &[f32], timesteps: &[usize], conditions: &[Condition]) -> Result<Vec<f32>> {
        self.passes.lock().unwrap().push(timesteps.len());
        if timesteps.len() > self.room {
            return Err(Error::Memory { device: "test".into(), what: "no room".into() });
        }
        let class = |sample: usize| conditions[sample].class().unwrap_or(0) as f32;
        Ok(x.chunks(4).enumerate().flat_map(|(i, x)| x.iter().map(move |v| v * self.share + class(i))).collect())
    }

    fn shape(&self) -> SampleShape {
        SampleShape { channels: 1, height: 2, width: 2 }
    }

    fn passes(&self) -> Passes {
        Passes { images: 8, at_once: 3 }
    }
}

fn queries(schedule: &NoiseSchedule, count: u8) -> Vec<ScorerQuery> {
    (0..count)
        .map(|q| {
            let pixels = vec![q, 90, 200, 7];
            let grid: Timesteps = "10..1000/70".parse().unwrap();
            let plan = grid.plan(schedule, 2, 1, &pixels).unwrap();
            ScorerQuery::of_image(&CODEC, pixels, Condition::None, plan)
        })
        .collect()
}

/// Against the difference of the two squared errors, in every evaluation.
#[test]
fn terms_are_the_difference_of_the_squared_errors() {
    let schedule = NoiseSchedule::new(&SchedulerConfig::default()).unwrap();
    let queries = queries(&schedule, 3);
    let (full, other) = (Share::new(0.9, 64), Share::new(0.8, 64));
    let pass = FullPass::run(&full, &schedule, &queries, 4, 64, &mut |_, _| Ok(())).unwrap();
    let terms = pass.terms(&other, &mut |_, _| Ok(())).unwrap();
    for (query, terms) in queries.iter().zip(&terms) {
        assert_eq!(terms.len(), query.plan.points.len());
        for (point, term) in query.plan.points.iter().zip(terms) {
            let noise = epsilon(4, &query.noise_key, point.t, point.draw, 4);
            let x = schedule.add_noise(&query.sample, &noise, point.t);
            let error = |share: f32| -> f64 {
                x.iter().zip(&noise).map(|(x, n)| (f64::from(x * share) - f64::from(*n)).powi(2)).sum()
            };
            let expected = point.weight * (error(0.8) - error(0.9));
            assert!((term.value - expected).abs() < 1e-5 * (1.0 + expected.abs()), "{} {expected}", term.value);
        }
    }
}

#[test]
fn batch_size_order_and_subset_do_not_change_the_result() {
    let schedule = NoiseSchedule::new(&SchedulerConfig::default()).unwrap();
    let queries = queries(&schedule, 3);
    let (full, other) = (Share::new(0.9, 64), Share::new(0.8, 64));
    let all = |batch| {
        let pass = FullPass::run(&full, &schedule, &queries, 4, batch, &mut |_, _| Ok(())).unwrap();
        pass.terms(&other, &mut |_, _| Ok(())).unwrap()
    };
    let one = all(1);
    assert_eq!(one, all(7));
    assert_eq!(one, all(1000));
    let pass = FullPass::run(&full, &schedule, &queries, 4, 64, &mut |_, _| Ok(())).unwrap();
    let some = [(2, 5), (0, 1), (2, 0)].map(|(query, point)| QueryPoint { query, point });
    let raw = pass.terms_at(&other, &some, &mut |_, _| Ok(())).unwrap();
    for (at, raw) in some.into_iter().zip(raw) {
        assert_eq!(raw.weighted(queries[at.query].plan.points[at.point].weight), one[at.query][at.point]);
    }
    for (query, point) in [(3, 0), (0, 99)] {
        let error = pass.terms_at(&other, &[some[0], QueryPoint { query, point }], &mut |_, _| Ok(())).unwrap_err();
        assert!(error.to_string().contains("no evaluation"), "{error}");
    }
}

#[test]
fn passes_are_halved_where_memory_runs_out() {
    let schedule = NoiseSchedule::new(&SchedulerConfig::default()).unwrap();
    let queries = queries(&schedule, 2);
    let run = |room| {
        let full = Share::new(0.9, room);
        let done = FullPass::run(&full, &schedule, &queries, 4, 64, &mut |_, _| Ok(())).map(|p| p.residuals);
        let last = full.passes.lock().unwrap().last().copied();
        (done, last)
    };
    let (plenty, _) = run(64);
    let (little, last) = run(2);
    assert_eq!(last, Some(2));
    assert_eq!(plenty.unwrap(), little.unwrap());
    assert!(matches!(run(0).0, Err(Error::Memory { .. })), "where nothing fits, the job fails with that");
}

#[test]
fn every_pass_has_one_size_and_each_sample_its_own_condition() {
    let schedule = NoiseSchedule::new(&SchedulerConfig::default()).unwrap();
    let mut queries = queries(&schedule, 3);
    for (q, query) in queries.iter_mut().enumerate() {
        query.condition = Condition::Class(q);
    }
    let full = Share::new(0.0, 64);
    let pass = FullPass::run(&full, &schedule, &queries, 4, 64, &mut |_, _| Ok(())).unwrap();
    assert!(full.passes.lock().unwrap().iter().all(|&n| n == 8));
    // With share 0 the prediction is the class, so the residual is the noise less the class.
    for (q, query) in queries.iter().enumerate() {
        let noise = epsilon(4, &query.noise_key, query.plan.points[0].t, 0, 4);
        assert_eq!(pass.residuals[pass.starts[q]], noise.iter().map(|n| n - q as f32).collect::<Vec<_>>());
    }
}
