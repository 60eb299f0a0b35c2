//! Groups of lookups: at most four columns that share a helper.

use crate::table::{address, BLOCK, MAX_BITS};
use thiserror::Error;

/// Lookups that share one helper: four keep the zerocheck at degree 6.
pub const GROUP: usize = 4;

/// One column of limbs, all of one width.
#[derive(Clone, Copy, Debug)]
pub struct Column<'a> {
    /// The width, a constant of the verifying key.
    pub bits: u32,
    /// The limbs.
    pub values: &'a [i32],
}

/// At most four columns of one length.
#[derive(Clone, Debug)]
pub struct Group<'a> {
    columns: Vec<Column<'a>>,
    rows: usize,
}

/// Why lookups cannot be proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LookupError {
    /// No columns, or more than four.
    #[error("a group has 1 to {GROUP} columns, not {0}")]
    Columns(usize),
    /// The columns differ in length.
    #[error("column {column} has {got} rows, the first has {expected}")]
    Rows {
        /// Which column.
        column: usize,
        /// Its rows.
        got: usize,
        /// The rows of the first column.
        expected: usize,
    },
    /// There is no such table.
    #[error("limbs have 1 to {MAX_BITS} bits, not {0}")]
    Bits(u32),
    /// A value is in no table: the statement is false.
    #[error("row {row} of column {column}: {value} has more than {bits} bits")]
    OutOfRange {
        /// Which column.
        column: usize,
        /// Which row.
        row: usize,
        /// The value.
        value: i32,
        /// The width of its table.
        bits: u32,
    },
    /// A multiplicity does not fit into 31 bits.
    #[error("more than 2^31 lookups")]
    TooMany,
    /// alpha is a fingerprint: probability below 2^-220.
    #[error("a challenge is degenerate")]
    DegenerateChallenge,
}

impl<'a> Group<'a> {
    /// A group; the limbs are checked by [`multiplicities`].
    pub fn new(columns: Vec<Column<'a>>) -> Result<Self, LookupError> {
        if columns.len() > GROUP {
            return Err(LookupError::Columns(columns.len()));
        }
        let Some(first) = columns.first() else {
            return Err(LookupError::Columns(0));
        };
        let rows = first.values.len();
        for (column, c) in columns.iter().enumerate() {
            if !(1..=MAX_BITS).contains(&c.bits) {
                return Err(LookupError::Bits(c.bits));
            }
            if c.values.len() != rows {
                return Err(LookupError::Rows {
                    column,
                    got: c.values.len(),
                    expected: rows,
                });
            }
        }
        Ok(Self { columns, rows })
    }

    /// The columns.
    pub fn columns(&self) -> &[Column<'a>] {
        &self.columns
    }

    /// Rows of each column.
    pub fn rows(&self) -> usize {
        self.rows
    }
}

/// How often each entry of the block is looked up; an error for a value that is in no table.
pub fn multiplicities(groups: &[Group<'_>]) -> Result<Vec<i32>, LookupError> {
    let mut counts = vec![0i32; BLOCK];
    for group in groups {
        for (column, c) in group.columns.iter().enumerate() {
            for (row, value) in c.values.iter().enumerate() {
                let count = address(c.bits, *value).and_then(|a| counts.get_mut(a));
                let count = count.ok_or(LookupError::OutOfRange {
                    column,
                    row,
                    value: *value,
                    bits: c.bits,
                })?;
                *count = count.checked_add(1).ok_or(LookupError::TooMany)?;
            }
        }
    }
    Ok(counts)
}
