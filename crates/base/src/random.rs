//! Counter-based random numbers: a pure function of their purpose, seed and counter, so that scores do not depend on batch
//! size, order or threads.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng as _};

/// A generator for one purpose: the same context, seed and content always give the same stream.
pub fn stream(context: &'static str, seed: u64, content: &[u8], counter: u64) -> ChaCha8Rng {
    let mut key = blake3::Hasher::new_derive_key(context);
    key.update(&seed.to_le_bytes()).update(content);
    let mut rng = ChaCha8Rng::from_seed(*key.finalize().as_bytes());
    rng.set_stream(counter);
    rng
}

/// The noise of one ELBO term: `count` standard normals for the query with these bytes, timestep `t`, draw `draw`.
pub fn epsilon(seed: u64, query: &[u8], t: usize, draw: usize, count: usize) -> Vec<f32> {
    let counter = ((t as u64) << 32) | draw as u64;
    normals(&mut stream("whence 2026 elbo noise", seed, query, counter), count)
}

/// `count` independent standard normals (Box and Muller 1958, in 64 bits).
pub fn normals(rng: &mut impl Rng, count: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(count + 1);
    while out.len() < count {
        // In (0, 1]: the logarithm of zero has no value.
        let u = 1.0 - rng.random::<f64>();
        let angle = std::f64::consts::TAU * rng.random::<f64>();
        let radius = (-2.0 * u.ln()).sqrt();
        out.push((radius * angle.cos()) as f32);
        out.push((radius * angle.sin()) as f32);
    }
    out.truncate(count);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_standard_normal() {
        let x = epsilon(1, b"query", 10, 0, 200_001);
        let n = x.len() as f64;
        let moment = |p: i32| x.iter().map(|v| f64::from(*v).powi(p)).sum::<f64>() / n;
        assert_eq!(x.len(), 200_001);
        assert!(moment(1).abs() < 0.01, "{}", moment(1));
        assert!((moment(2) - 1.0).abs() < 0.02);
        assert!((moment(4) - 3.0).abs() < 0.15);
    }

    #[test]
    fn each_argument_changes_the_noise_and_nothing_else_does() {
        let base = epsilon(1, b"query", 10, 0, 64);
        assert_eq!(base, epsilon(1, b"query", 10, 0, 64));
        assert_eq!(base[..32], epsilon(1, b"query", 10, 0, 32)[..], "shorter noise is a prefix");
        for other in [
            epsilon(2, b"query", 10, 0, 64),
            epsilon(1, b"other", 10, 0, 64),
            epsilon(1, b"query", 11, 0, 64),
            epsilon(1, b"query", 10, 1, 64),
        ] {
            let dot: f32 = base.iter().zip(&other).map(|(a, b)| a * b).sum();
            assert!(dot.abs() < 30.0, "independent noise is nearly orthogonal: {dot}");
            assert_ne!(base, other);
        }
    }
}
