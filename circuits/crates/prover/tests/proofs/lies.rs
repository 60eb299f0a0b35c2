use crate::circuits::{dense, hint, mixed, Case};
use verifai_prover::ProveError;
use verifai_table::{Layout, Region};
use verifai_verifier::VerifyError;

/// The case with one value changed, by a prover that goes on.
fn with(mut case: Case, tensor: usize, index: usize, delta: i64) -> Case {
    case.job.values[tensor][index] += delta;
    case.job.stubborn = true;
    case
}

#[test]
fn every_committed_value_counts() {
    for (make, name) in [(dense as fn(usize) -> Case, "dense"), (mixed, "mixed")] {
        let count = make(2).job.values.len();
        for tensor in 0..count {
            for index in [0, make(2).job.values[tensor].len() - 1] {
                for delta in [1, -1, 64, 1 << 20] {
                    let case = with(make(2), tensor, index, delta);
                    assert_eq!(
                        case.check(),
                        Err(VerifyError::Last),
                        "{name} {tensor} {index} {delta}"
                    );
                    let case = with(make(2).hiding(), tensor, index, delta);
                    assert_eq!(case.check(), Err(VerifyError::Tail), "{name} hiding");
                }
            }
        }
    }
}

#[test]
fn every_real_entry_of_the_space_counts_and_padding_does_not() {
    for case in [dense(1), mixed(1)] {
        let key = case.key();
        let layout = key.verifying.layout(1).unwrap();
        let columns = 1 << layout.log_columns;
        let mut real = std::collections::BTreeMap::new();
        for (b, block) in layout.blocks.iter().enumerate() {
            // entries 0 and 1 of the range tables, and tables of widths that nothing uses, are padding
            let table = layout.counts[0] == b || layout.table_helpers[0] == b;
            for (i, p) in block.shape.positions().into_iter().enumerate() {
                let used = !table || (i > 1 && layout.widths >> i.ilog2() & 1 == 1);
                if used {
                    real.insert(block.base + p, b);
                }
            }
        }
        let start = layout.region_rows(Region::Weight).end * columns;
        let end = layout.region_rows(Region::Helper).end * columns;
        let (mut caught, mut free) = (0, 0);
        for address in (start..end).step_by(3) {
            let mut lying = Case {
                job: case.job.clone(),
                ..case_like(&case)
            };
            lying.job.lies = vec![(address, 1)];
            let result = lying.check();
            if real.contains_key(&address) {
                assert_eq!(result, Err(VerifyError::Last), "address {address}");
                caught += 1;
            } else {
                assert_eq!(result, Ok(()), "address {address}");
                free += 1;
            }
        }
        println!("{caught} entries counted, {free} were padding");
        assert!(caught > 100 && free > 100);
    }
}

fn case_like(case: &Case) -> Case {
    Case {
        table: case.table.clone(),
        weights: case.weights.clone(),
        job: case.job.clone(),
    }
}

#[test]
fn an_honest_prover_refuses() {
    let mut case = with(dense(1), 2, 0, 64);
    case.job.stubborn = false;
    assert_eq!(
        case.prove().unwrap_err(),
        ProveError::Range {
            node: 6,
            value: case.job.values[2][0],
            low: 0,
            high: 63
        }
    );
    let mut case = with(mixed(1), 3, 0, 1);
    case.job.stubborn = false;
    assert!(matches!(
        case.prove().unwrap_err(),
        ProveError::Lookup { table: 0, .. }
    ));
}

/// A row's entries have 32 bits: cut to them, a hint would give a proof that nobody accepts.
#[test]
fn a_hint_that_no_row_holds_is_refused() {
    let largest = i64::from(i32::MAX);
    hint(1, largest).check().unwrap();
    for x in [2, 100] {
        assert_eq!(
            hint(x, largest).prove().unwrap_err(),
            ProveError::Range {
                node: 3,
                value: x * largest,
                low: i32::MIN.into(),
                high: largest
            }
        );
    }
}

#[test]
fn a_proof_that_nobody_waits_for_ends() {
    let case = dense(1);
    let key = case.key();
    case.job.interrupt.raise();
    assert_eq!(
        verifai_prover::prove(&key, &case.job),
        Err(ProveError::Interrupted(verifai_prover::Interrupted))
    );
}

/// Without a constraint, the lie that only this constraint refuses is accepted.
#[test]
fn every_constraint_is_needed() {
    // a wrong accumulator: node 7; a wrong difference: node 10; relu on the wrong side: the product
    let mut relu = dense(1);
    let positive = relu.job.values[1].iter().position(|y| *y > 0).unwrap();
    relu.job.values[3][positive] += 5;
    relu.job.values[4][positive] += 5;
    relu.job.stubborn = true;
    assert_eq!(relu.check(), Err(VerifyError::Last));
    relu.table["product"] = serde_json::json!([]);
    assert_eq!(relu.check(), Ok(()));

    let mut zero = with(
        dense(1),
        2,
        1,
        if dense(1).job.values[2][1] > 0 { -1 } else { 1 },
    );
    assert_eq!(zero.check(), Err(VerifyError::Last));
    zero.table["zero"] = serde_json::json!([10]);
    assert_eq!(zero.check(), Ok(()));

    let mut lookup = with(mixed(1), 3, 4, 1);
    lookup.job.values[4][4] += 1;
    assert_eq!(lookup.check(), Err(VerifyError::Last));
    lookup.table["lookup"] = serde_json::json!([]);
    assert_eq!(lookup.check(), Ok(()));
}

/// y - 1 with a remainder of 2^shift more: the equation holds, the remainder leaves its table.
fn wide_remainder() -> Case {
    let mut case = dense(1);
    case.job.values[1][0] -= 1;
    case.job.values[2][0] += 64;
    let relu = case.job.values[1][0].max(0);
    case.job.values[3][0] = relu;
    case.job.values[4][0] = relu - case.job.values[1][0];
    case.job.stubborn = true;
    case
}

/// A key with a wider table accepts it.
#[test]
fn a_remainder_out_of_range_needs_a_wider_table() {
    let mut case = wide_remainder();
    assert_eq!(case.check(), Err(VerifyError::Last));
    case.table["nodes"][6]["limbs"] = serde_json::json!([7]);
    assert_eq!(case.check(), Ok(()));
}

fn layout(case: &Case) -> Layout {
    Layout::new(&case.key().verifying.circuit, case.job.batch).unwrap()
}

/// The address of an entry of a block.
fn address(layout: &Layout, block: usize, entry: usize) -> usize {
    layout.blocks[block].base + layout.blocks[block].shape.positions()[entry]
}

/// 70 is an entry of the table of 8 bits, not of that of 6: tags come from the key, so that counting it
/// where it exists is of no use (H12).
#[test]
fn swapped_tags() {
    let mut case = wide_remainder();
    let layout = layout(&case);
    let wide = 256 + case.job.values[2][0] as usize;
    case.job.lies = vec![(address(&layout, layout.counts[0], wide), 1)];
    assert_eq!(case.check(), Err(VerifyError::Last));
}

/// Errors that cancel in the total are seen by the zerocheck or on the table's side; a negative
/// multiplicity cannot be used up by anything.
#[test]
fn lookups_that_cancel() {
    let layout = layout(&dense(1));
    let h = |i| address(&layout, layout.groups[0].helper, i);
    let table = |i| address(&layout, layout.table_helpers[0], i);
    let count = |i| address(&layout, layout.counts[0], i);
    for lies in [
        vec![(h(0), 1), (h(1), -1)],
        vec![(h(1), 1), (table(300), 1)],
        vec![(table(300), 1), (table(301), -1)],
        vec![(count(300), 1), (count(301), -1)],
        vec![(count(400), -1)],
    ] {
        let mut case = dense(1);
        case.job.lies = lies;
        assert_eq!(case.check(), Err(VerifyError::Last));
    }
}
