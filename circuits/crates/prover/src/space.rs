//! The committed vector, row by row.

use std::sync::Arc;
use verifai_commitment::Row;
use verifai_field::{from_i64, PrimeField, F};
use verifai_table::{positions, Block, Layout};

/// Rows of the address space; those that nothing occupies are absent and zero. Rows of weights are the
/// key's own: a proof copies none.
#[derive(Debug)]
pub struct Space {
    rows: Vec<Option<Arc<Row>>>,
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
        let columns = self.columns();
        for row in rows {
            self.rows[row] = Some(Arc::new(if small {
                Row::Small(vec![0; columns])
            } else {
                Row::Field(vec![F::default(); columns])
            }));
        }
    }

    /// Takes finished rows in.
    pub fn insert(&mut self, places: std::ops::Range<usize>, rows: &[Arc<Row>]) {
        for (place, row) in self.rows[places].iter_mut().zip(rows) {
            *place = Some(Arc::clone(row));
        }
    }

    /// Takes rows out again.
    pub fn remove(&mut self, rows: std::ops::Range<usize>) -> Vec<Arc<Row>> {
        rows.filter_map(|r| self.rows[r].take()).collect()
    }

    /// All rows.
    pub fn rows(&self) -> &[Option<Arc<Row>>] {
        &self.rows
    }

    /// A row; one that is absent has no entries.
    pub fn row(&self, row: usize) -> &Row {
        static ABSENT: Row = Row::Small(Vec::new());
        self.rows[row].as_deref().unwrap_or(&ABSENT)
    }

    /// Entries of a row.
    pub fn columns(&self) -> usize {
        1 << self.log_columns
    }

    /// A row to write to.
    fn row_mut(&mut self, row: usize) -> Option<&mut Row> {
        self.rows.get_mut(row)?.as_mut().map(Arc::make_mut)
    }

    /// Writes small integers at the real positions of a tile.
    pub fn put(&mut self, block: &Block, values: &[i32]) {
        self.write(block, values, |row, at, value| match row {
            Row::Small(row) => row[at] = value,
            Row::Field(row) => row[at] = from_i64(i64::from(value)),
        });
    }

    /// Turns the rows of a tile into rows of field elements.
    pub fn widen(&mut self, block: &Block) {
        let last = block.base + block.shape.size() - 1;
        for row in block.base >> self.log_columns..=last >> self.log_columns {
            if let Some(Row::Small(small)) = self.rows[row].as_deref() {
                let wide = small.iter().map(|v| from_i64(i64::from(*v))).collect();
                self.rows[row] = Some(Arc::new(Row::Field(wide)));
            }
        }
    }

    /// Writes field elements at the real positions of a tile.
    pub fn put_field(&mut self, block: &Block, values: &[F]) {
        self.write(block, values, |row, at, value| {
            if let Row::Field(row) = row {
                row[at] = value;
            }
        });
    }

    /// Writes values at the real positions of a tile, along its last axis as far as each row goes.
    fn write<T: Copy>(&mut self, block: &Block, values: &[T], set: impl Fn(&mut Row, usize, T)) {
        let columns = self.columns();
        let strides = block.shape.strides();
        let mut axes = strides.into_iter().zip(block.shape.dims().iter().copied());
        let (stride, length) = axes.next_back().unwrap_or((1, 1));
        let starts = positions(block.base, axes);
        for (start, values) in starts.into_iter().zip(values.chunks(length)) {
            let (mut at, mut rest) = (start, values);
            while !rest.is_empty() {
                let within = (columns - at % columns).div_ceil(stride).min(rest.len());
                let (now, later) = rest.split_at(within);
                if let Some(row) = self.row_mut(at / columns) {
                    for (i, value) in now.iter().enumerate() {
                        set(row, at % columns + i * stride, *value);
                    }
                }
                (at, rest) = (at + within * stride, later);
            }
        }
    }

    /// Reads the real positions of a tile of small integers.
    pub fn get(&self, block: &Block) -> Vec<i32> {
        let mask = self.columns() - 1;
        let read = |at: usize| match self.rows[at >> self.log_columns].as_deref() {
            Some(Row::Small(row)) => row[at & mask],
            Some(Row::Field(row)) => small(row[at & mask]),
            None => 0,
        };
        let positions = block.shape.positions().into_iter();
        positions.map(|p| read(block.base + p)).collect()
    }

    /// Adds to one entry, whatever it is: how a test lies.
    pub fn disturb(&mut self, address: usize, delta: i64) {
        let column = address & (self.columns() - 1);
        match self.row_mut(address >> self.log_columns) {
            Some(Row::Small(row)) => row[column] = row[column].wrapping_add(delta as i32),
            Some(Row::Field(row)) => row[column] += from_i64(delta),
            None => {}
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
