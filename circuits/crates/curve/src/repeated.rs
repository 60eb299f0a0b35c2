//! Multi-scalar multiplication with few different scalars.
//!
//! `sum_k s_k B_k` with `B_k` the sum of all points whose scalar is s_k: one batch-affine addition per
//! point, and full-width work for each *scalar* only. The digits of a scalar are computed once, however
//! many sums it appears in.

use crate::bucket::{running_sum, Buckets};
use crate::{G1Affine, G1Projective};
use verifai_field::{AdditiveGroup, PrimeField, Zero, F};

/// Bits of a digit, digits of a scalar, and the largest absolute value of a digit.
const WINDOW: usize = 8;
const PLACES: usize = 32;
const HALF: usize = 1 << (WINDOW - 1);
/// `k = LOW high + low` for the bucket k of a place.
const LOW: usize = 16;
const HIGH: usize = HALF / LOW;

/// A scalar in base 2^8, with digits in (-2^7, 2^7].
#[derive(Clone, Copy, Debug)]
pub struct Digits([i16; PLACES]);

impl From<&F> for Digits {
    fn from(scalar: &F) -> Self {
        let limbs = scalar.into_bigint().0;
        let mut carry = 0i16;
        Self(std::array::from_fn(|place| {
            let at = place * WINDOW;
            let byte = (limbs[at / 64] >> (at % 64)) & 0xff;
            let digit = byte as i16 + carry;
            carry = i16::from(digit > HALF as i16);
            digit - (carry << WINDOW)
        }))
    }
}

/// A sum to be formed.
#[derive(Debug)]
pub struct Repeated<'a> {
    terms: &'a [(u32, u32)],
    scalars: &'a [Digits],
    /// The bucket of each scalar, from one on; zero for a scalar that no term has.
    buckets: Vec<u32>,
    /// The scalar of each bucket.
    used: Vec<usize>,
}

impl<'a> Repeated<'a> {
    /// `sum scalars[s] points[i]` over all terms (i, s); what the lists do not have is left out.
    pub fn new(terms: &'a [(u32, u32)], scalars: &'a [Digits]) -> Self {
        let mut buckets = vec![0u32; scalars.len()];
        let mut used = Vec::new();
        for (_, scalar) in terms {
            if let Some(bucket) = buckets.get_mut(*scalar as usize).filter(|b| **b == 0) {
                used.push(*scalar as usize);
                *bucket = used.len() as u32;
            }
        }
        Self {
            terms,
            scalars,
            buckets,
            used,
        }
    }

    /// How many additions of points it takes.
    pub fn additions(&self) -> usize {
        self.terms.len() + PLACES * (self.used.len() + 2 * HALF)
    }

    /// The sum.
    pub fn sum(&self, points: &[G1Affine]) -> G1Projective {
        let mut sums = Buckets::new(self.used.len());
        for (point, scalar) in self.terms {
            let bucket = self.buckets.get(*scalar as usize).copied();
            if let (Some(point), Some(bucket)) = (points.get(*point as usize), bucket) {
                sums.put(bucket as i32, point);
            }
        }
        let sums = sums.into_sums();
        full_width(sums.iter().zip(self.used.iter().map(|s| &self.scalars[*s])))
    }
}

/// The sum of few points with scalars of full width: all places in one set of buckets.
fn full_width<'a>(terms: impl Iterator<Item = (&'a G1Affine, &'a Digits)>) -> G1Projective {
    let mut by_digit = Buckets::new(PLACES * HALF);
    for (point, digits) in terms {
        for (place, digit) in digits.0.iter().enumerate() {
            let bucket = (place * HALF) as i32 + i32::from(digit.abs());
            if *digit != 0 {
                by_digit.put(bucket * i32::from(digit.signum()), point);
            }
        }
    }
    let mut highs = Buckets::new(PLACES * HIGH);
    let mut lows = Buckets::new(PLACES * (LOW - 1));
    for (bucket, sum) in by_digit.into_sums().iter().enumerate() {
        let (place, k) = (bucket / HALF, bucket % HALF + 1);
        if k >= LOW {
            highs.put((place * HIGH + k / LOW) as i32, sum);
        }
        if k % LOW > 0 {
            lows.put((place * (LOW - 1) + k % LOW) as i32, sum);
        }
    }
    let (highs, lows) = (highs.into_sums(), lows.into_sums());
    let places = highs.chunks(HIGH).zip(lows.chunks(LOW - 1));
    places
        .rev()
        .fold(G1Projective::zero(), |mut total, (high, low)| {
            let mut high = running_sum(high);
            (0..LOW.ilog2()).for_each(|_| {
                high.double_in_place();
            });
            (0..WINDOW).for_each(|_| {
                total.double_in_place();
            });
            total + high + running_sum(low)
        })
}
