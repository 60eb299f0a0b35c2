//! A claim: constant + linear form in the committed blocks = 0.

use crate::layout::Layout;
use crate::tiles::Tile;
use crate::weights::{eq_range, lengths, merge, parts, shift_right, Group, Indices, Term};
use crate::words::Ids;
use crate::work::Work;
use verifai_field::{inner_product, powers, One, Zero, F};
use verifai_poly::{cube_size, eq_at, eq_table_real};

/// Weights on one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockTerm {
    /// The block.
    pub block: usize,
    /// Its weights.
    pub term: Term,
    /// Of a gather: the node of its ids. Entry t of the term's axis 0 is then about row id_t of the
    /// block, and the other axes are the block's.
    pub ids: Option<usize>,
}

/// `constant + sum of block terms = 0`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// The constant.
    pub constant: F,
    /// The linear form.
    pub terms: Vec<BlockTerm>,
}

impl From<F> for Claim {
    fn from(constant: F) -> Self {
        let terms = Vec::new();
        Self { constant, terms }
    }
}

impl Claim {
    /// Adds weights on a block.
    pub fn push(&mut self, block: usize, term: Term) {
        let ids = None;
        self.terms.push(BlockTerm { block, term, ids });
    }

    /// Adds weights on some entries of a line.
    pub fn push_entries(
        &mut self,
        layout: &Layout,
        block: usize,
        weights: impl IntoIterator<Item = (usize, F)>,
    ) {
        let mut vector = vec![F::zero(); layout.shape(block).map_or(0, Tile::real)];
        for (entry, weight) in weights {
            if let Some(v) = vector.get_mut(entry) {
                *v += weight;
            }
        }
        self.push(block, Term::of(vec![Group::axis(0, vector)]));
    }

    /// Adds `factor * other`.
    pub fn add(&mut self, other: Self, factor: F) {
        self.constant += factor * other.constant;
        let scaled = other.terms.into_iter().map(|own| BlockTerm {
            term: own.term.scaled(factor),
            ..own
        });
        self.terms.extend(scaled);
    }

    /// All claims as one, with powers of a challenge.
    pub fn joined(claims: Vec<Self>, challenge: F) -> Self {
        let mut all = Self::default();
        for (claim, power) in claims.into_iter().zip(powers(challenge)) {
            all.add(claim, power);
        }
        all
    }

    /// The claim times a factor.
    #[must_use]
    pub fn scaled(self, factor: F) -> Self {
        let mut out = Self::default();
        out.add(self, factor);
        out
    }

    /// The multilinear extension of the linear form at a point of the address space. `None` if a
    /// group is too large, or the budget ends.
    pub fn at(&self, layout: &Layout, ids: &Ids, point: &[F], work: &mut Work) -> Option<F> {
        let mut sum = F::zero();
        for own in &self.terms {
            let block = layout.blocks.get(own.block)?;
            let term = &own.term;
            work.step(term.groups.len())?;
            // each group may be merged into the one of the outer axes
            let groups = term.groups.len().saturating_add(1);
            let rows = match own.ids {
                Some(node) => Some(ids.get(&node)?.as_slice()),
                None => None,
            };
            let vectors = match rows {
                Some(rows) => block.shape.vectors_of_rows(rows.len()),
                None => block.shape.vectors(),
            };
            let merged = vectors.saturating_mul(groups);
            work.spend(term.entries().saturating_add(merged))?;
            if let Some(rows) = rows {
                work.spend(rows.len().saturating_mul(point.len()))?;
            }
            sum += at_point(term, &block.shape, rows, block.base, point)?;
        }
        Some(sum)
    }
}

/// The extension of a term on a tile at `base`, at a point. With `rows` entry t of the term's axis 0 is
/// about index `rows[t]` of the tile's.
pub fn at_point(
    term: &Term,
    shape: &Tile,
    rows: Option<&[usize]>,
    base: usize,
    point: &[F],
) -> Option<F> {
    let inner = shape.inner();
    let (high, mut low) = point.split_at_checked(point.len().saturating_sub(inner))?;
    let first = shift_right(base, inner);
    let mut dims = shape.dims().to_vec();
    if let Some((rows, count)) = rows.zip(dims.first_mut()) {
        *count = rows.len();
    }
    let dims = dims.as_slice();
    let outer = shape.outer_axes();
    let mut eq_inner: Vec<Option<Vec<F>>> = vec![None; dims.len()];
    for (axis, bits) in shape.inner_axes() {
        let (own, after) = low.split_at_checked(bits)?;
        low = after;
        let eq = match rows {
            Some(rows) if axis == 0 => rows.iter().map(|row| eq_at(own, *row)).collect(),
            _ => eq_table_real(own, *dims.get(axis)?),
        };
        *eq_inner.get_mut(axis)? = Some(eq);
    }
    let mut value = term.coefficient;
    let eq_outer = if outer.is_empty() {
        value *= eq_at(high, first);
        Vec::new()
    } else {
        match rows {
            Some(rows) if outer.first() == Some(&0) => {
                let length = shape.dims().first().copied().unwrap_or(1);
                let step = shape.outer_size().checked_div(length).unwrap_or(0);
                let start = |row: &usize| first.saturating_add(row.saturating_mul(step));
                let of_row = |row: &usize| eq_range(high, start(row), step);
                rows.iter().flat_map(of_row).collect()
            }
            _ => eq_range(high, first, shape.outer_size()),
        }
    };
    let touches = |g: &Group| g.axes.iter().any(|a| outer.contains(a));
    let link: Vec<usize> = (0..term.groups.len())
        .filter(|i| term.groups.get(*i).is_some_and(touches))
        .collect();
    for part in parts(term.groups.len(), &[link]) {
        let members: Vec<&Group> = part.iter().filter_map(|i| term.groups.get(*i)).collect();
        let group = merge(&members, dims)?;
        value *= match group.axes.as_slice() {
            axes if axes == outer.as_slice() && !outer.is_empty() => {
                inner_product(&group.vector, &eq_outer)
            }
            [axis] => inner_product(&group.vector, eq_inner.get(*axis)?.as_ref()?),
            axes => mixed(axes, &group.vector, shape, dims, &eq_outer, &eq_inner)?,
        };
    }
    Some(value)
}

/// The sum over a group that is neither one inner axis nor all outer ones; `dims` are the term's.
fn mixed(
    axes: &[usize],
    vector: &[F],
    shape: &Tile,
    dims: &[usize],
    eq_outer: &[F],
    eq_inner: &[Option<Vec<F>>],
) -> Option<F> {
    let lengths = lengths(axes, dims);
    let outer = shape.outer_axes();
    let strides = shape.strides();
    let block = cube_size(shape.inner());
    // the stride within the outer index, zero along inner axes
    let along: Vec<usize> = axes
        .iter()
        .map(|a| match strides.get(*a) {
            Some(s) if outer.contains(a) => s.checked_div(block).unwrap_or(0),
            _ => 0,
        })
        .collect();
    let uses_outer = axes.iter().any(|a| outer.contains(a));
    let mut index = Indices::new(&lengths);
    let mut sum = F::zero();
    for weight in vector {
        let mut product = *weight;
        if uses_outer {
            product *= eq_outer.get(index.dot(&along))?;
        }
        for (axis, i) in axes.iter().zip(index.at()) {
            if let Some(eq) = eq_inner.get(*axis)? {
                product *= eq.get(*i)?;
            }
        }
        sum += product;
        index.advance();
    }
    Some(sum)
}

/// `sum over real positions of eq(x, .) eq(y, .)` on a tile.
pub fn tile_sum(shape: &Tile, base: usize, x: &[F], y: &[F]) -> F {
    let (a, b) = (Term::eq_tile(shape, base, x), Term::eq_tile(shape, base, y));
    let pairs = a.groups.iter().zip(&b.groups);
    let groups = pairs.fold(F::one(), |product, (g, h)| {
        product * inner_product(&g.vector, &h.vector)
    });
    a.coefficient * b.coefficient * groups
}
