//! Nanoseconds per looked-up limb, best of five, without commitments and without the zerocheck.
//! `cargo run --release -p verifai-lookup --example bench_lookup`

use std::hint::black_box;
use std::time::Instant;
use verifai_field::F;
use verifai_lookup::{helpers, multiplicities, table_helpers, Challenges, Column, Group};

const BITS: u32 = 8;

fn best(lookups: usize, mut run: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed().as_secs_f64());
    }
    best * 1e9 / lookups as f64
}

fn main() {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = info.lines().find_map(|l| l.strip_prefix("model name\t: "));
    println!(
        "{}, {} threads",
        cpu.unwrap_or("unknown CPU"),
        rayon::current_num_threads()
    );
    let challenges = Challenges {
        alpha: F::from(0x9e37_79b9_7f4a_7c15u64),
        beta: F::from(0xc2b2_ae3d_27d4_eb4fu64),
    };
    for log in [12u32, 16, 20] {
        let rows = 1usize << log;
        let columns: Vec<Vec<i32>> = (0..4usize)
            .map(|c| {
                (0..rows)
                    .map(|i| ((i * 167 + c * 31) % 256) as i32)
                    .collect()
            })
            .collect();
        let columns = columns.iter().map(|values| Column { bits: BITS, values });
        let Ok(group) = Group::new(columns.collect()) else {
            return;
        };
        let groups = [group];
        let ns = best(4 * rows, || {
            black_box(multiplicities(&groups).is_ok());
        });
        println!("4 x 2^{log} limbs, multiplicities   {ns:>6.2} ns/limb");
        let ns = best(4 * rows, || {
            black_box(helpers(&groups[0], &challenges).is_ok());
        });
        println!("4 x 2^{log} limbs, helpers          {ns:>6.2} ns/limb");
        let Ok(counts) = multiplicities(&groups) else {
            return;
        };
        let ns = best(4 * rows, || {
            black_box(table_helpers(&counts, &challenges).is_ok());
        });
        println!("4 x 2^{log} limbs, table side       {ns:>6.2} ns/limb");
    }
}
