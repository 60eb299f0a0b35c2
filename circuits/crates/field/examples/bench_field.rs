//! Nanoseconds per operation of the scalar field on one thread, best of five.
//! `cargo run --release -p verifai-field --example bench_field`

use std::hint::black_box;
use std::time::Instant;
use verifai_field::{batch_inverse, inner_product, powers, OffsetInner, F};

const SIZE: usize = 1 << 16;

fn best(mut run: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed().as_secs_f64());
    }
    best * 1e9 / SIZE as f64
}

fn main() {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = info.lines().find_map(|l| l.strip_prefix("model name\t: "));
    println!("{}, one thread", cpu.unwrap_or("unknown CPU"));
    let a: Vec<F> = powers(F::from(3u64)).take(SIZE).collect();
    let b: Vec<F> = powers(F::from(5u64)).take(SIZE).collect();
    let small: Vec<i32> = (0..SIZE as i32)
        .map(|i| (i * 37) % 65_536 - 32_768)
        .collect();

    let ns = best(|| {
        let chain = a.iter().fold(F::from(7u64), |x, y| x * y);
        black_box(chain);
    });
    println!("multiplication, each waiting for the last  {ns:>6.1} ns");
    let mut out = b.clone();
    let ns = best(|| {
        out.iter_mut().zip(&a).for_each(|(o, x)| *o *= x);
        black_box(&out);
    });
    println!("multiplication, independent                {ns:>6.1} ns");
    let ns = best(|| {
        out.iter_mut().zip(&a).for_each(|(o, x)| *o += x);
        black_box(&out);
    });
    println!("addition                                   {ns:>6.1} ns");
    let ns = best(|| {
        black_box(inner_product(&a, &b));
    });
    println!("inner product                              {ns:>6.1} ns");
    let total = a.iter().sum();
    let ns = best(|| {
        let mut sum = OffsetInner::default();
        small
            .iter()
            .zip(&a)
            .for_each(|(k, x)| sum.add((*k).into(), x));
        black_box(sum.finish(total));
    });
    println!("inner product with 16-bit integers         {ns:>6.1} ns");
    let ns = best(|| {
        black_box(batch_inverse(&mut out).is_ok());
    });
    println!("inversion, in a batch                      {ns:>6.1} ns");
}
