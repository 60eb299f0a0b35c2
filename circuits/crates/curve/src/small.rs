//! Multi-scalar multiplication with small integers.
//!
//! What a model commits is small: limbs of at most 8 bits, multiplicities, weights of 12 to 16
//! bits. One signed window is enough for most of it, so a point costs one batch-affine addition.

use crate::{bucket::Buckets, msm::TooFewPoints, G1Affine, G1Projective};
use rayon::prelude::*;
use verifai_field::{AdditiveGroup, Zero};

/// Points per thread below which another thread does not pay.
const PER_THREAD: usize = 1 << 12;

/// `sum scalars_i points_i` for 64-bit integers with sign, the faster the smaller they are. There may be more points
/// than scalars, never fewer.
pub fn msm_small<S>(points: &[G1Affine], scalars: &[S]) -> Result<G1Projective, TooFewPoints>
where
    S: Copy + Into<i64> + Sync,
{
    let used = points.get(..scalars.len()).ok_or(TooFewPoints {
        scalars: scalars.len(),
        points: points.len(),
    })?;
    let largest = scalars
        .iter()
        .map(|s| (*s).into().unsigned_abs())
        .max()
        .unwrap_or(0);
    if largest == 0 {
        return Ok(G1Projective::zero());
    }
    let bits = u64::BITS - largest.leading_zeros();
    let window = window(bits, scalars.len());
    let windows = (bits + 1).div_ceil(window);
    let threads = rayon::current_num_threads();
    let chunk = scalars.len().div_ceil(threads).max(PER_THREAD);
    let partial: Vec<Vec<G1Projective>> = used
        .par_chunks(chunk)
        .zip(scalars.par_chunks(chunk))
        .map(|(points, scalars)| window_sums(points, scalars, window, windows))
        .collect();
    let mut total = G1Projective::zero();
    for w in (0..windows as usize).rev() {
        for _ in 0..window {
            total.double_in_place();
        }
        for sums in &partial {
            total += sums.get(w).copied().unwrap_or_default();
        }
    }
    Ok(total)
}

/// The signed window that needs the fewest additions: one per point and window, and about three
/// per bucket.
fn window(bits: u32, points: usize) -> u32 {
    let cost = |c: u32| {
        let windows = u64::from((bits + 1).div_ceil(c));
        windows * (points as u64 + (3u64 << (c - 1)))
    };
    (2..=17).min_by_key(|c| cost(*c)).unwrap_or(8)
}

fn window_sums<S: Copy + Into<i64>>(
    points: &[G1Affine],
    scalars: &[S],
    window: u32,
    windows: u32,
) -> Vec<G1Projective> {
    (0..windows)
        .map(|w| {
            let place = Place::new(window, w, windows);
            let mut buckets = Buckets::new(1 << (window - 1));
            for (point, scalar) in points.iter().zip(scalars) {
                buckets.put(place.digit((*scalar).into()), point);
            }
            buckets.weighted_sum()
        })
        .collect()
}

/// One place of the signed expansion in base 2^window: digits in [-2^(window-1), 2^(window-1)),
/// but for the last place, which takes what is left and may reach 2^(window-1).
struct Place {
    shift: u32,
    base: i128,
    /// Half a base at every lower place: adding it carries as the signed digits below do.
    offset: i128,
    last: bool,
}

impl Place {
    fn new(window: u32, w: u32, windows: u32) -> Self {
        let base = 1i128 << window;
        let offset = (0..w).fold(0, |sum, _| sum * base + (base >> 1));
        Self {
            shift: window * w,
            base,
            offset,
            last: w + 1 == windows,
        }
    }

    fn digit(&self, scalar: i64) -> i32 {
        let rest = (i128::from(scalar) + self.offset) >> self.shift;
        let digit = if self.last {
            rest
        } else {
            let half = self.base >> 1;
            ((rest + half) & (self.base - 1)) - half
        };
        digit as i32 // at most 2^16 in absolute value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_recompose() {
        let scalars = [
            0i64,
            1,
            -1,
            127,
            128,
            255,
            -255,
            65_535,
            -32_768,
            i64::MIN,
            i64::MAX,
        ];
        for window in 2..=17 {
            for scalar in scalars {
                let bits = u64::BITS - scalar.unsigned_abs().leading_zeros();
                let windows = (bits + 1).div_ceil(window);
                let mut value = 0i128;
                for w in 0..windows {
                    let digit = Place::new(window, w, windows).digit(scalar);
                    assert!(digit.unsigned_abs() <= 1 << (window - 1));
                    value += i128::from(digit) << (window * w);
                }
                assert_eq!(value, i128::from(scalar), "window {window}");
            }
        }
    }

    #[test]
    fn one_window_for_bytes() {
        assert_eq!(window(8, 1 << 13), 9);
        assert!(window(16, 1 << 10) < 17);
    }
}
