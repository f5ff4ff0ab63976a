use super::*;
use crate::elbo::{Plan, ScorerQuery};
use crate::{Codec, Condition, NoiseSchedule, SchedulerConfig};
use whence_data::ImageShape;

const CODEC: Codec = Codec::Identity { image: ImageShape { channels: 3, height: 5, width: 4 } };
const SHAPE: SampleShape = SampleShape { channels: 3, height: 5, width: 4 };

/// Predicts a fixed multiple of its input, a different one in each row of the image.
struct Linear(f32);

impl Denoiser for Linear {
    fn predict_noise(&self, x: &[f32], _: &[usize], _: &[Condition]) -> Result<Vec<f32>> {
        let row = |i: usize| ((i % 20) / 4) as f32;
        Ok(x.iter().enumerate().map(|(i, v)| v * (0.5 + self.0 * (1.0 + row(i)))).collect())
    }

    fn shape(&self) -> SampleShape {
        SHAPE
    }
}

fn map_and_terms() -> (ScoreMap, Vec<Term>) {
    let schedule = NoiseSchedule::new(&SchedulerConfig::default()).unwrap();
    let points = [(10, 0), (10, 1), (300, 0), (300, 1), (900, 0), (900, 1)];
    let points = points.map(|(t, draw)| Point { t, draw, weight: 1.0 / t as f64 }).to_vec();
    let pixels: Vec<u8> = (0..60u8).map(|i| i * 4).collect();
    let queries = [ScorerQuery::of_image(&CODEC, pixels, Condition::None, Plan { points, draws: 2 })];
    let pass = FullPass::run(&Linear(0.0), &schedule, &queries, 7, 64, &mut |_, _| Ok(())).unwrap();
    let other = Linear(0.02);
    let map = ScoreMap::compute(&pass, &other, &mut |_, _| Ok(())).unwrap().remove(0);
    (map, pass.terms(&other, &mut |_, _| Ok(())).unwrap().remove(0))
}

#[test]
fn cells_regions_and_timesteps_add_up_to_the_scorers_terms() {
    let (map, terms) = map_and_terms();
    let score: f64 = terms.iter().map(|t| t.value).sum();
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-5 * score.abs(), "{a} is not {b}");
    close(map.by_cell().iter().sum(), score);
    close(map.by_timestep(map.everywhere()).iter().map(|(_, v)| v).sum(), score);
    close(map.score(map.everywhere()).score, score);
    let (upper, lower) = (Region { bottom: 2, ..map.everywhere() }, Region { top: 2, ..map.everywhere() });
    close(map.score(upper).score + map.score(lower).score, score);
    // The difference grows with the row, so the lower rows carry most of it.
    assert!(map.score(lower).score.abs() > 2.0 * map.score(upper).score.abs());
    let at_300: f64 = terms[2].value + terms[3].value;
    let (t, share) = map.by_timestep(map.everywhere())[1];
    assert_eq!(t, 300);
    close(share, at_300);
    assert!(map.score(map.everywhere()).std_err > 0.0);
    let part = map.part(upper);
    assert_eq!(part, (map.score(upper), map.by_timestep(upper)));
}

#[test]
fn sums_are_complete_and_regions_beyond_the_map_are_clipped() {
    let row: Vec<f32> = (1..=19).map(|i| i as f32).collect();
    let mut sums = Sums::default();
    sums.add(&row);
    assert_eq!(sums.total(), (190.0, 2470.0));
    let (map, _) = map_and_terms();
    let beyond = Region { left: 0, top: 0, right: 99, bottom: 99 };
    assert_eq!(map.score(beyond), map.score(map.everywhere()));
    assert_eq!(map.score(Region { left: 9, ..beyond }).score, 0.0);
}

#[test]
fn a_cell_is_the_sum_of_its_pixels_and_channels() {
    let cells = Cells { side: 2, width: 2, height: 3 };
    let sums = cells.sums(SHAPE, (0..60).map(f64::from));
    let expected = |rows: &[usize], columns: &[usize]| -> f32 {
        let pixel = |c: usize, y: usize, x: usize| (c * 20 + y * 4 + x) as f32;
        (0..3).flat_map(|c| rows.iter().flat_map(move |y| columns.iter().map(move |x| pixel(c, *y, *x)))).sum()
    };
    assert_eq!(sums[0], expected(&[0, 1], &[0, 1]));
    assert_eq!(sums[3], expected(&[2, 3], &[2, 3]));
    assert_eq!(sums[5], expected(&[4], &[2, 3]));
    let large = Cells::of(SampleShape { channels: 3, height: 200, width: 130 });
    assert_eq!((large.side, large.width, large.height), (4, 33, 50));
}

#[test]
fn maps_are_read_back_from_their_bytes_and_other_bytes_are_refused() {
    let (map, _) = map_and_terms();
    let bytes = map.to_bytes();
    assert_eq!(ScoreMap::from_bytes(&bytes).as_ref(), Some(&map));
    for cut in 0..bytes.len() {
        assert_eq!(ScoreMap::from_bytes(&bytes[..cut]), None, "cut at {cut}");
    }
    let mut huge = bytes;
    huge[16..20].fill(255);
    assert_eq!(ScoreMap::from_bytes(&huge), None);
}
