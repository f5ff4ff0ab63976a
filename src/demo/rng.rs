//! The random number generator of one image.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A random number generator seeded by (style, index, seed).
pub(super) struct ImageRng(ChaCha8Rng);

impl ImageRng {
    /// The generator of one image. The three values fill separate bytes of the key, so no two
    /// images share a stream.
    pub(super) fn new(style: usize, index: u64, seed: u64) -> Self {
        let words = [*b"whencedm", seed.to_le_bytes(), (style as u64).to_le_bytes(), index.to_le_bytes()];
        let mut key = [0; 32];
        for (to, from) in key.iter_mut().zip(words.iter().flatten()) {
            *to = *from;
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// Uniform in [0, 1).
    pub(super) fn unit(&mut self) -> f32 {
        // An f32 holds 24 bits exactly. Written out, because the distributions of the crate may
        // change between versions, and the images must not.
        (self.0.next_u32() >> 8) as f32 / (1 << 24) as f32
    }

    /// Uniform in [low, high).
    pub(super) fn uniform(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// Uniform in [-reach, reach).
    pub(super) fn symmetric(&mut self, reach: f32) -> f32 {
        self.uniform(-reach, reach)
    }

    /// 1 or -1 with equal probability.
    pub(super) fn sign(&mut self) -> f32 {
        if self.unit() < 0.5 { 1.0 } else { -1.0 }
    }
}
