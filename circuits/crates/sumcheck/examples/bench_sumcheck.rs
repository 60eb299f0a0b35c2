//! Nanoseconds per entry for a product of two tables, best of five.
//! `cargo run --release -p verifai-sumcheck --example bench_sumcheck`

use std::convert::Infallible;
use std::time::Instant;
use verifai_field::{powers, One, F};
use verifai_sumcheck::{prove, Product, Products};
use verifai_transcript::{Label, ProofWriter, Transcript};

const LABELS: (Label, Label) = (Label::new("round"), Label::new("t"));

fn main() -> Result<(), Infallible> {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = info.lines().find_map(|l| l.strip_prefix("model name\t: "));
    println!(
        "{}, {} threads",
        cpu.unwrap_or("unknown CPU"),
        rayon::current_num_threads()
    );
    for log in [12u32, 16, 20] {
        let table = |x: u64| -> Vec<F> { powers(F::from(x)).take(1 << log).collect() };
        let mut best = f64::INFINITY;
        for _ in 0..5 {
            let mut instance = Products::new(vec![(
                Product {
                    a: table(3),
                    b: table(5),
                },
                F::one(),
            )]);
            let mut writer = ProofWriter::new(Transcript::new("bench"));
            let start = Instant::now();
            prove(
                &mut instance,
                log as usize,
                &[],
                LABELS,
                || Ok::<_, Infallible>(()),
                &mut writer,
            )?;
            best = best.min(start.elapsed().as_secs_f64());
        }
        let ns = best * 1e9 / f64::from(1u32 << log);
        println!("2^{log} entries, product of two tables   {ns:>6.1} ns/entry");
    }
    Ok(())
}
