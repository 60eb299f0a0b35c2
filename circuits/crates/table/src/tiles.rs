//! Tiles: how a tensor lies in the address space.
//!
//! The outer axes lie above, row-major and unpadded, the inner axes below, each padded to a power of
//! two. A position is linear in the indices: every axis has a stride.

use verifai_poly::{cube_size, variables};

/// The shape of a block.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tile {
    dims: Vec<usize>,
    outer: Vec<bool>,
}

impl Tile {
    /// A tile; axes beyond the dims are not outer.
    pub fn new(dims: &[usize], outer: &[usize]) -> Self {
        Self {
            dims: dims.to_vec(),
            outer: (0..dims.len()).map(|axis| outer.contains(&axis)).collect(),
        }
    }

    /// A single inner axis.
    pub fn line(length: usize) -> Self {
        Self::new(&[length], &[])
    }

    /// The real entries of each axis.
    pub fn dims(&self) -> &[usize] {
        &self.dims
    }

    /// Axis, dim and whether it is outer.
    fn axes(&self) -> impl Iterator<Item = (usize, usize, bool)> + '_ {
        let pairs = self.dims.iter().zip(&self.outer).enumerate();
        pairs.map(|(axis, (dim, outer))| (axis, *dim, *outer))
    }

    /// The outer axes, in index order.
    pub fn outer_axes(&self) -> Vec<usize> {
        self.axes().filter(|a| a.2).map(|a| a.0).collect()
    }

    /// The inner axes with their numbers of variables, in index order.
    pub fn inner_axes(&self) -> Vec<(usize, usize)> {
        let inner = self.axes().filter(|a| !a.2);
        inner.map(|(axis, dim, _)| (axis, variables(dim))).collect()
    }

    /// Variables of the inner axes together.
    pub fn inner(&self) -> usize {
        self.inner_axes().iter().map(|a| a.1).sum()
    }

    /// Entries of the outer axes together.
    pub fn outer_size(&self) -> usize {
        self.axes()
            .filter(|a| a.2)
            .fold(1, |n, a| n.saturating_mul(a.1))
    }

    /// Entries of the vectors that eq factors into: one for the outer axes, one for each inner one.
    pub fn vectors(&self) -> usize {
        let inner = self.inner_axes().into_iter();
        let lengths = inner.map(|(axis, _)| self.dims.get(axis).copied().unwrap_or(1));
        lengths.fold(self.outer_size(), usize::saturating_add)
    }

    /// The same for `count` rows: one entry of a vector for each index of axis 0.
    pub fn vectors_of_rows(&self, count: usize) -> usize {
        self.clone().with_rows(count).vectors()
    }

    /// The tile of a tensor with `count` rows, otherwise alike.
    #[must_use]
    pub fn with_rows(mut self, count: usize) -> Self {
        if let Some(rows) = self.dims.first_mut() {
            *rows = count;
        }
        self
    }

    /// Addresses that the tile takes; saturates.
    pub fn size(&self) -> usize {
        self.outer_size().saturating_mul(cube_size(self.inner()))
    }

    /// Real entries; saturates.
    pub fn real(&self) -> usize {
        self.dims.iter().fold(1, |n, d| n.saturating_mul(*d))
    }

    /// The distance of neighbours along each axis.
    pub fn strides(&self) -> Vec<usize> {
        let mut strides = vec![0; self.dims.len()];
        let mut stride = 1usize;
        for side in [false, true] {
            let axes = self.dims.iter().zip(&self.outer).zip(&mut strides).rev();
            for ((dim, outer), own) in axes.filter(|((_, outer), _)| **outer == side) {
                *own = stride;
                let length = if *outer {
                    *dim
                } else {
                    cube_size(variables(*dim))
                };
                stride = stride.saturating_mul(length);
            }
        }
        strides
    }

    /// The positions of all real entries, row-major over all axes.
    pub fn positions(&self) -> Vec<usize> {
        let axes = self.strides().into_iter().zip(self.dims.iter().copied());
        positions(0, axes)
    }
}

/// Where the entries lie, row-major, from stride and length of each axis.
pub fn positions(start: usize, axes: impl Iterator<Item = (usize, usize)>) -> Vec<usize> {
    axes.fold(vec![start], |out, (stride, length)| {
        let mut next = Vec::with_capacity(out.len().saturating_mul(length));
        for position in &out {
            next.extend((0..length).map(|i| position.saturating_add(i.saturating_mul(stride))));
        }
        next
    })
}

/// Places tiles one after another, larger inner parts first, so that each base is a multiple of
/// 2^inner. Writes the bases, returns the end.
pub fn pack<'a>(tiles: impl Iterator<Item = (&'a Tile, &'a mut usize)>, start: usize) -> usize {
    let mut tiles: Vec<_> = tiles.collect();
    tiles.sort_by_key(|(tile, _)| std::cmp::Reverse(tile.inner()));
    tiles.into_iter().fold(start, |at, (tile, base)| {
        *base = at;
        at.saturating_add(tile.size())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_distinct_and_within() {
        for (dims, outer) in [
            (vec![3, 5, 2], vec![1]),
            (vec![3, 5, 2], vec![]),
            (vec![3, 5, 6], vec![0, 2]),
            (vec![], vec![]),
            (vec![1, 1], vec![0]),
        ] {
            let b = Tile::new(&dims, &outer);
            let mut positions = b.positions();
            assert_eq!(positions.len(), b.real());
            assert!(positions.iter().all(|p| *p < b.size()));
            positions.sort_unstable();
            positions.dedup();
            assert_eq!(positions.len(), b.real());
        }
        let b = Tile::new(&[3, 5, 6], &[0, 2]);
        assert_eq!(
            (b.inner(), b.size(), b.strides()),
            (3, 18 * 8, vec![48, 1, 8])
        );
    }

    #[test]
    fn packing_aligns() {
        let tiles = [
            Tile::new(&[3, 3], &[0]),
            Tile::line(9),
            Tile::line(1),
            Tile::new(&[5, 2], &[0]),
        ];
        let mut bases = [0; 4];
        let end = pack(tiles.iter().zip(&mut bases), 64);
        assert_eq!(bases, [80, 64, 102, 92]);
        assert_eq!(end, 103);
        for (b, base) in tiles.iter().zip(bases) {
            assert_eq!(base % (1 << b.inner()), 0);
        }
    }
}
