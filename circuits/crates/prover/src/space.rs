//! The committed vector, row by row.

use verifai_commitment::Row;
use verifai_field::{from_i64, PrimeField, F};
use verifai_table::{Box, Layout};

/// Rows of the address space; those that nothing occupies are absent and zero.
#[derive(Debug)]
pub struct Space {
    rows: Vec<Option<Row>>,
    log_columns: usize,
}

impl Space {
    /// An empty space.
    pub fn new(layout: &Layout) -> Self {
        Self {
            rows: vec![None; 1 << layout.log_rows()],
            log_columns: layout.log_columns,
        }
    }

    /// Makes rows of zeros.
    pub fn open(&mut self, rows: std::ops::Range<usize>, small: bool) {
        let columns = 1usize << self.log_columns;
        for row in rows {
            self.rows[row] = Some(if small {
                Row::Small(vec![0; columns])
            } else {
                Row::Field(vec![F::default(); columns])
            });
        }
    }

    /// Takes finished rows in.
    pub fn insert(&mut self, first: usize, rows: Vec<Row>) {
        for (i, row) in rows.into_iter().enumerate() {
            self.rows[first + i] = Some(row);
        }
    }

    /// Takes rows out again.
    pub fn remove(&mut self, rows: std::ops::Range<usize>) -> Vec<Row> {
        rows.filter_map(|r| self.rows[r].take()).collect()
    }

    /// All rows.
    pub fn rows(&self) -> &[Option<Row>] {
        &self.rows
    }

    /// Writes small integers at the real positions of a box.
    pub fn put(&mut self, shape: &Box, base: usize, values: &[i32]) {
        let mask = (1usize << self.log_columns) - 1;
        for (position, value) in shape.positions().into_iter().zip(values) {
            let at = base + position;
            match &mut self.rows[at >> self.log_columns] {
                Some(Row::Small(row)) => row[at & mask] = *value,
                Some(Row::Field(row)) => row[at & mask] = from_i64(i64::from(*value)),
                None => {}
            }
        }
    }

    /// Turns the rows of a box into rows of field elements.
    pub fn widen(&mut self, shape: &Box, base: usize) {
        let last = base + shape.size() - 1;
        for row in base >> self.log_columns..=last >> self.log_columns {
            if let Some(Row::Small(small)) = &self.rows[row] {
                let wide = small.iter().map(|v| from_i64(i64::from(*v))).collect();
                self.rows[row] = Some(Row::Field(wide));
            }
        }
    }

    /// Writes field elements at the real positions of a box.
    pub fn put_field(&mut self, shape: &Box, base: usize, values: &[F]) {
        let mask = (1usize << self.log_columns) - 1;
        for (position, value) in shape.positions().into_iter().zip(values) {
            let at = base + position;
            if let Some(Row::Field(row)) = &mut self.rows[at >> self.log_columns] {
                row[at & mask] = *value;
            }
        }
    }

    /// Reads the real positions of a box of small integers.
    pub fn get(&self, shape: &Box, base: usize) -> Vec<i32> {
        let mask = (1usize << self.log_columns) - 1;
        let read = |at: usize| match &self.rows[at >> self.log_columns] {
            Some(Row::Small(row)) => row[at & mask],
            Some(Row::Field(row)) => small(row[at & mask]),
            None => 0,
        };
        shape
            .positions()
            .into_iter()
            .map(|p| read(base + p))
            .collect()
    }

    /// Adds to one entry, whatever it is: how a test lies.
    pub fn disturb(&mut self, address: usize, delta: i64) {
        let column = address & ((1usize << self.log_columns) - 1);
        match self.rows.get_mut(address >> self.log_columns) {
            Some(Some(Row::Small(row))) => row[column] = row[column].wrapping_add(delta as i32),
            Some(Some(Row::Field(row))) => row[column] += from_i64(delta),
            _ => {}
        }
    }
}

/// A field element as the small integer that it stands for; what stands for none becomes the largest.
fn small(x: F) -> i32 {
    let absolute = |x: F| {
        let [low, a, b, c] = x.into_bigint().0;
        i32::try_from(low).ok().filter(|_| (a | b | c) == 0)
    };
    absolute(x)
        .or_else(|| absolute(-x).map(|v| -v))
        .unwrap_or(i32::MAX)
}
