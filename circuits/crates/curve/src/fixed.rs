//! Full-width multi-scalar multiplication with tables for fixed points.
//!
//! With `T_w,i = 2^(c w) G_i` stored for every window w, all windows share one set of buckets, and
//! nothing is doubled: `ceil(255 / c)` batch-affine additions per point and one weighted sum
//! ("fixed-base window tables": 11 MB for 2^13 points).

use crate::{
    bucket::{double_all, Buckets},
    msm::TooFewPoints,
    G1Affine, G1Projective,
};
use rayon::prelude::*;
use verifai_field::{PrimeField, Zero, F};

/// Bits of a scalar with room for the carry of signed digits.
const SCALAR_BITS: usize = 255;
/// Points per thread below which another thread does not pay.
const PER_THREAD: usize = 1 << 9;

/// Window tables for a fixed list of points.
#[derive(Debug)]
pub struct FixedBases {
    window: usize,
    /// `levels[w][i] = 2^(window w) G_i`.
    levels: Vec<Vec<G1Affine>>,
}

impl FixedBases {
    /// Tables with the window that suits the number of points.
    pub fn new(points: &[G1Affine]) -> Self {
        let per_thread = points.len() / rayon::current_num_threads().max(1);
        let cost = |c: &usize| SCALAR_BITS.div_ceil(*c) * per_thread + (3 << (c - 1));
        Self::with_window(points, (4..=16).min_by_key(cost).unwrap_or(12))
    }

    /// Tables with a given window, which is brought into 2..=16.
    pub fn with_window(points: &[G1Affine], window: usize) -> Self {
        let window = window.clamp(2, 16);
        let mut levels = vec![points.to_vec()];
        for _ in 1..SCALAR_BITS.div_ceil(window) {
            let mut next = levels.last().cloned().unwrap_or_default();
            next.par_chunks_mut(1 << 10).for_each(|chunk| {
                for _ in 0..window {
                    double_all(chunk);
                }
            });
            levels.push(next);
        }
        Self { window, levels }
    }

    /// How many points the tables are for.
    fn len(&self) -> usize {
        self.levels.first().map_or(0, Vec::len)
    }

    /// Point additions of a sum of so many points.
    pub fn additions(&self, points: usize) -> usize {
        points * self.levels.len() + (3 << (self.window - 1))
    }

    /// `sum scalars_i points_i`. There may be more points than scalars, never fewer.
    pub fn msm(&self, scalars: &[F]) -> Result<G1Projective, TooFewPoints> {
        if scalars.len() > self.len() {
            return Err(TooFewPoints {
                scalars: scalars.len(),
                points: self.len(),
            });
        }
        let threads = rayon::current_num_threads().max(1);
        let chunk = scalars.len().div_ceil(threads).max(PER_THREAD);
        Ok(scalars
            .par_chunks(chunk)
            .enumerate()
            .map(|(part, scalars)| self.part(part * chunk, scalars))
            .reduce(G1Projective::zero, |a, b| a + b))
    }

    fn part(&self, start: usize, scalars: &[F]) -> G1Projective {
        let mut buckets = Buckets::new(1 << (self.window - 1));
        for (i, scalar) in scalars.iter().enumerate() {
            if scalar.is_zero() {
                continue;
            }
            let limbs = scalar.into_bigint().0;
            let mut carry = 0;
            for (w, level) in self.levels.iter().enumerate() {
                let digit = bits(&limbs, w * self.window, self.window) + carry;
                // digits in (-2^(c-1), 2^(c-1)]
                carry = i32::from(digit > 1 << (self.window - 1));
                buckets.put(digit - (carry << self.window), &level[start + i]);
            }
        }
        buckets.weighted_sum()
    }
}

/// `count` bits of a 256-bit integer from bit `from`; bits above the integer are zero.
fn bits(limbs: &[u64; 4], from: usize, count: usize) -> i32 {
    let (limb, shift) = (from / 64, from % 64);
    let low = limbs.get(limb).map_or(0, |l| l >> shift);
    let high = if shift + count > 64 {
        limbs.get(limb + 1).map_or(0, |l| l << (64 - shift))
    } else {
        0
    };
    ((low | high) & ((1 << count) - 1)) as i32
}
