//! The exact length of a proof.

use verifai_lookup::RELATION_DEGREE;
use verifai_table::{Layout, Region};

/// Bytes of a scalar.
const SCALAR: usize = 32;
/// Bytes of a point.
const POINT: usize = 64;

/// The bytes of every proof for a layout.
pub fn proof_bytes(layout: &Layout) -> usize {
    let columns = layout.log_columns;
    let instances = layout.contractions.len();
    let mut scalars = vec![
        layout.cube.saturating_mul(RELATION_DEGREE),
        layout.columns(),
        layout.contraction_rounds().saturating_mul(2),
        instances.saturating_mul(2), // ends
        layout.variables.saturating_mul(2),
        1,                         // y
        columns.saturating_add(2), // opening
    ];
    let mut points = vec![
        layout.stage_1().count(),
        layout.region_rows(Region::Helper).len(),
        columns.saturating_add(1), // opening
    ];
    if layout.hiding.is_some() {
        scalars.extend([instances.saturating_mul(2), 1, layout.tail(), 1]);
        points.push(2);
    }
    let sum = |all: &[usize]| all.iter().fold(0usize, |n, x| n.saturating_add(*x));
    let (scalars, points) = (sum(&scalars), sum(&points));
    scalars
        .saturating_mul(SCALAR)
        .saturating_add(points.saturating_mul(POINT))
}
