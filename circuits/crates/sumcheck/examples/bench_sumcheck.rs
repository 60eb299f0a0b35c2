//! Nanoseconds per entry for a product of two tables and for a gate of degree 6, best of five.
//! `cargo run --release -p verifai-sumcheck --example bench_sumcheck`

use std::time::Instant;
use verifai_field::{powers, F};
use verifai_sumcheck::{prove, Dense, Instance, Labels};
use verifai_transcript::{Label, ProofWriter, Transcript};

const LABELS: Labels = Labels {
    batch: Label::new("eta"),
    message: Label::new("round"),
    challenge: Label::new("t"),
};

fn best<I: Instance>(log: u32, make: impl Fn() -> Option<I>) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let Some(mut instance) = make() else {
            return best;
        };
        let mut writer = ProofWriter::new(Transcript::new("bench"));
        let start = Instant::now();
        let done = prove(&mut [&mut instance], &[], &LABELS, &mut writer).is_ok();
        if done {
            best = best.min(start.elapsed().as_secs_f64());
        }
    }
    best * 1e9 / f64::from(1u32 << log)
}

fn main() {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = info.lines().find_map(|l| l.strip_prefix("model name\t: "));
    println!(
        "{}, {} threads",
        cpu.unwrap_or("unknown CPU"),
        rayon::current_num_threads()
    );
    for log in [12u32, 16, 20] {
        let table = |x: u64| -> Vec<F> { powers(F::from(x)).take(1 << log).collect() };
        let ns = best(log, || {
            Dense::new([table(3), table(5)], 2, |v: &[F; 2]| v[0] * v[1]).ok()
        });
        println!("2^{log} entries, product of two tables   {ns:>6.1} ns/entry");
        if log < 20 {
            let ns = best(log, || {
                let tables = [3, 5, 7, 11, 13, 17].map(table);
                Dense::new(tables, 6, |v: &[F; 6]| {
                    v[0] * v[1] * v[2] * v[3] * v[4] * v[5]
                })
                .ok()
            });
            println!("2^{log} entries, product of six tables   {ns:>6.1} ns/entry");
        }
    }
}
