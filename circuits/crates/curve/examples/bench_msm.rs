//! Nanoseconds per point of each multi-scalar multiplication, best of five.
//! `cargo run --release -p verifai-curve --example bench_msm [log2 of the largest size]`

use std::hint::black_box;
use std::time::Instant;
use verifai_curve::{
    msm, msm_small, AffineRepr, CurveGroup, FixedBases, G1Affine, G1Projective, PrimeGroup,
};
use verifai_field::{powers, Field, F};

fn best(points: usize, mut run: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed().as_secs_f64());
    }
    best * 1e9 / points as f64
}

fn cpu() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = info.lines().find(|l| l.starts_with("model name"));
    line.and_then(|l| l.split(": ").nth(1))
        .unwrap_or("unknown CPU")
        .to_owned()
}

/// Points with no relation that a multi-scalar multiplication could stumble over.
fn bases(n: usize) -> Vec<G1Affine> {
    let mut running = G1Projective::generator();
    let all: Vec<G1Projective> = (0..n)
        .map(|_| {
            running = running + running + G1Affine::generator();
            running
        })
        .collect();
    G1Projective::normalize_batch(&all)
}

fn main() {
    let largest = std::env::args()
        .nth(1)
        .and_then(|a| a.parse().ok())
        .unwrap_or(16u32);
    println!(
        "{}, {} threads",
        cpu(),
        std::thread::available_parallelism().map_or(1, usize::from)
    );
    let points = bases(1 << largest);
    let scalars: Vec<F> = powers(F::from(7u64).pow([1u64 << 40]))
        .take(points.len())
        .collect();
    let noise: Vec<u64> = (1..=points.len() as u64)
        .map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32)
        .collect();
    for log in [10u32, 13, 16, 18, 20]
        .into_iter()
        .filter(|l| *l <= largest)
    {
        let n = 1usize << log;
        let p = &points[..n];
        for bits in [4u32, 8, 12, 16] {
            let s: Vec<u32> = noise[..n]
                .iter()
                .map(|v| (*v % (1 << bits)) as u32)
                .collect();
            let ns = best(n, || {
                black_box(msm_small(p, &s).is_ok());
            });
            println!("2^{log:<2} points, {bits:>2}-bit scalars, buckets      {ns:>8.0} ns/point");
        }
        let ns = best(n, || {
            black_box(msm(p, &scalars[..n]).is_ok());
        });
        println!("2^{log:<2} points, full width, arkworks Pippenger {ns:>7.0} ns/point");
        if log <= 16 {
            let start = Instant::now();
            let tables = FixedBases::new(p);
            let made = start.elapsed().as_secs_f64();
            let ns = best(n, || {
                black_box(tables.msm(&scalars[..n]).is_ok());
            });
            println!(
                "2^{log:<2} points, full width, fixed-base tables  {ns:>7.0} ns/point (made in {made:.2} s)"
            );
        }
    }
}
