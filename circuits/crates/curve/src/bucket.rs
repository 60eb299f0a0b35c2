//! Sums of points in buckets, by batch-affine additions.
//!
//! An affine addition costs one inversion and three multiplications; Montgomery's trick over many
//! independent additions turns the inversion into three multiplications more, about six in all
//! against eleven for a mixed projective addition. Additions into one
//! bucket depend on each other, so points are sorted by bucket first and then summed as a tree: in
//! every round all pairs of all buckets are added together. A bucket that is hit often (8-bit
//! scalars) costs nothing extra.

use crate::{G1Affine, G1Projective};
use ark_ec::AffineRepr;
use verifai_field::{batch_inverse, AdditiveGroup, Field, Fq, One, Zero};

/// Points that are gathered before they are summed: 2 MB of them, so that they stay in the cache.
const BLOCK: usize = 1 << 15;

/// Buckets 1..=n; a point goes into the bucket of its digit, negated if the digit is negative.
#[derive(Debug)]
pub struct Buckets {
    /// Points waiting, with their bucket (zero-based).
    waiting: Vec<(u32, G1Affine)>,
    /// At most one point per bucket once summed.
    sums: Vec<G1Affine>,
}

impl Buckets {
    /// `n` empty buckets.
    pub fn new(n: usize) -> Self {
        Self {
            waiting: Vec::new(),
            sums: vec![G1Affine::zero(); n],
        }
    }

    /// Puts `point` into bucket `|digit|`, with the sign of the digit; digit 0 is dropped, and so
    /// is infinity.
    ///
    /// # Panics
    /// When the next block is summed, if `|digit|` is above the number of buckets: a mistake of
    /// the caller's window, never of data.
    #[inline]
    pub fn put(&mut self, digit: i32, point: &G1Affine) {
        if digit == 0 || point.is_zero() {
            return;
        }
        let signed = if digit < 0 { -*point } else { *point };
        self.waiting.push((digit.unsigned_abs() - 1, signed));
        if self.waiting.len() >= BLOCK.max(2 * self.sums.len()) {
            self.settle();
        }
    }

    /// Sums everything that is waiting into the buckets.
    fn settle(&mut self) {
        let n = self.sums.len();
        let mut lengths: Vec<u32> = self.sums.iter().map(|s| u32::from(!s.is_zero())).collect();
        for (bucket, _) in &self.waiting {
            lengths[*bucket as usize] += 1;
        }
        let mut cursor = Vec::with_capacity(n);
        let mut total = 0usize;
        for length in &lengths {
            cursor.push(total);
            total += *length as usize;
        }
        let mut points = vec![G1Affine::zero(); total];
        for (at, sum) in cursor.iter_mut().zip(&self.sums) {
            if !sum.is_zero() {
                points[*at] = *sum;
                *at += 1;
            }
        }
        for (bucket, point) in self.waiting.drain(..) {
            let at = &mut cursor[bucket as usize];
            points[*at] = point;
            *at += 1;
        }
        while lengths.iter().any(|l| *l > 1) {
            halve(&mut points, &mut lengths);
        }
        let mut next = points.into_iter();
        for (sum, length) in self.sums.iter_mut().zip(&lengths) {
            if *length == 1 {
                *sum = next.next().unwrap_or_default();
            }
        }
    }

    /// The sum of each bucket.
    pub fn into_sums(mut self) -> Vec<G1Affine> {
        self.settle();
        self.sums
    }

    /// `sum over buckets k of k * bucket_k`. With `k = high * m + low` it is
    /// `m * sum high * (sum of row high) + sum low * (sum of column low)`: two batch-affine
    /// additions per bucket, in place of two projective ones for the usual running sum.
    pub fn weighted_sum(self) -> G1Projective {
        let sums = self.into_sums();
        let n = sums.len();
        if n <= 32 {
            return running_sum(&sums);
        }
        let bits = (usize::BITS - n.leading_zeros()) / 2;
        let m = 1usize << bits;
        let mut rows = Self::new(n >> bits);
        let mut columns = Self::new(m - 1);
        for (i, sum) in sums.iter().enumerate() {
            let k = i + 1;
            rows.put(small(k >> bits), sum);
            columns.put(small(k & (m - 1)), sum);
        }
        let mut high = running_sum(&rows.into_sums());
        for _ in 0..bits {
            high.double_in_place();
        }
        high + running_sum(&columns.into_sums())
    }
}

fn small(k: usize) -> i32 {
    i32::try_from(k).unwrap_or(i32::MAX)
}

/// `sum (i + 1) sums_i`.
pub(crate) fn running_sum(sums: &[G1Affine]) -> G1Projective {
    let mut running = G1Projective::zero();
    let mut total = G1Projective::zero();
    for sum in sums.iter().rev() {
        running += sum;
        total += running;
    }
    total
}

/// One round: in every bucket, points 2j and 2j + 1 become one. The points move to the front.
fn halve(points: &mut Vec<G1Affine>, lengths: &mut [u32]) {
    let mut denominators = Vec::with_capacity(points.len() / 2);
    let mut at = 0;
    for length in lengths.iter() {
        let end = at + *length as usize;
        for pair in points[at..end].chunks_exact(2) {
            denominators.push(denominator(&pair[0], &pair[1]));
        }
        at = end;
    }
    // a denominator is never zero: see below
    batch_inverse(&mut denominators).unwrap_or_default();
    let mut inverses = denominators.iter();
    let (mut read, mut write) = (0, 0);
    for length in lengths.iter_mut() {
        let pairs = *length / 2;
        for _ in 0..pairs {
            let inverse = inverses.next().copied().unwrap_or_default();
            points[write] = add(&points[read], &points[read + 1], inverse);
            read += 2;
            write += 1;
        }
        if *length % 2 == 1 {
            points[write] = points[read];
            read += 1;
            write += 1;
        }
        *length = pairs + *length % 2;
    }
    points.truncate(write);
}

/// What has to be inverted to add two points: x2 - x1, or 2 y for a doubling (never zero, since
/// the order of the group is odd), or one where nothing has to be.
#[inline]
fn denominator(a: &G1Affine, b: &G1Affine) -> Fq {
    if a.is_zero() || b.is_zero() {
        return Fq::one();
    }
    if a.x != b.x {
        b.x - a.x
    } else if a.y == b.y {
        a.y.double()
    } else {
        Fq::one()
    }
}

/// The complete affine addition, given the inverse of [`denominator`].
#[inline]
fn add(a: &G1Affine, b: &G1Affine, inverse: Fq) -> G1Affine {
    if a.is_zero() {
        return *b;
    }
    if b.is_zero() {
        return *a;
    }
    let slope = if a.x != b.x {
        (b.y - a.y) * inverse
    } else if a.y == b.y {
        let square = a.x.square();
        (square.double() + square) * inverse
    } else {
        return G1Affine::zero();
    };
    let x = slope.square() - a.x - b.x;
    let y = slope * (a.x - x) - a.y;
    G1Affine::new_unchecked(x, y)
}

/// Doubles every point, with one inversion for all.
pub fn double_all(points: &mut [G1Affine]) {
    let mut denominators: Vec<Fq> = points.iter().map(|p| denominator(p, p)).collect();
    batch_inverse(&mut denominators).unwrap_or_default(); // never zero, as above
    for (point, inverse) in points.iter_mut().zip(denominators) {
        *point = add(point, point, inverse);
    }
}
