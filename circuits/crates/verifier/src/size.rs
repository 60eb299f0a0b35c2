//! The exact length of a proof.

use verifai_field::F;
use verifai_lookup::RELATION_DEGREE;
use verifai_table::start::{point_variables, zero};
use verifai_table::{Circuit, Layout, PullError, Region};

/// Bytes of a scalar.
const SCALAR: usize = 32;
/// Bytes of a point.
const POINT: usize = 64;

/// The bytes of every proof for an expanded circuit.
pub fn proof_bytes(circuit: &Circuit, layout: &Layout) -> Result<usize, PullError> {
    let (mut rounds, mut instances) = (0usize, 0usize);
    for node in &circuit.zero {
        if circuit.node(*node).is_some_and(|n| n.einsum) {
            let point = vec![F::from(2u64); point_variables(circuit.dims(*node))];
            for instance in zero(circuit, layout, *node, &point)?.instances {
                rounds = rounds.max(instance.variables());
                instances = instances.saturating_add(1);
            }
        }
    }
    let columns = layout.log_columns;
    let scalars = [
        layout.cube.saturating_mul(RELATION_DEGREE),
        layout.columns(),
        rounds.saturating_mul(2),
        instances.saturating_mul(2),
        layout.variables.saturating_mul(2),
        1,                         // y
        columns.saturating_add(2), // opening
    ];
    let points = [
        layout.stage_1().count(),
        layout.region_rows(Region::Helper).len(),
        columns.saturating_add(1), // opening
    ];
    let scalars = scalars.iter().fold(0usize, |n, x| n.saturating_add(*x));
    let points = points.iter().fold(0usize, |n, x| n.saturating_add(*x));
    Ok(scalars
        .saturating_mul(SCALAR)
        .saturating_add(points.saturating_mul(POINT)))
}
