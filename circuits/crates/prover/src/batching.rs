//! The sumcheck that joins all claims: `sum over the address space of L(x) w(x)`.
//!
//! The first rounds bind variables of rows. With `L = sum over strands of a(row) b(column)` they need
//! `Y(row) = <b, w(row, .)>` of each strand only, integers times field elements; vectors over the
//! address space appear when few entries of it are left.

use crate::interrupt::{Interrupt, Interrupted};
use crate::space::Space;
use crate::strands::{Strand, PRODUCT, SMALL_PRODUCT};
use rayon::prelude::*;
use std::collections::BTreeMap;
use verifai_commitment::{combine, Row};
use verifai_field::{inner_product, OffsetInner, Zero, F};
use verifai_poly::eq_table;
use verifai_sumcheck::products::add;
use verifai_sumcheck::{Instance, Product};
use verifai_table::Layout;
use verifai_transcript::ProofWriter;
use verifai_verifier::labels::{LAST, R, VALUE};

/// What is left of the sum.
enum Left<'a> {
    /// Rows of integers.
    Rows(Rows<'a>),
    /// L and w.
    Vectors(Product),
}

/// The first rounds bind `k` variables of the row, so that rows that differ in these alone (a class:
/// rows of one remainder modulo `classes`) become one. Each strand has a product for each class it meets.
struct Rows<'a> {
    space: &'a Space,
    interrupt: &'a Interrupt,
    /// How many rounds are left until rows are combined, and the challenges of those before.
    left: usize,
    point: Vec<F>,
    strands: &'a [Strand],
    classes: usize,
    products: Vec<((usize, usize), Product)>,
}

impl<'a> Rows<'a> {
    fn new(
        space: &'a Space,
        strands: &'a [Strand],
        rounds: usize,
        interrupt: &'a Interrupt,
    ) -> Result<Self, Interrupted> {
        let rows = space.rows();
        let classes = rows.len() >> rounds;
        let mut sides: BTreeMap<(usize, usize), Vec<F>> = BTreeMap::new();
        for (index, strand) in strands.iter().enumerate() {
            for (row, weight) in &strand.rows {
                let side = sides.entry((row % classes, index));
                let side = side.or_insert_with(|| vec![F::zero(); 1 << rounds]);
                side[row / classes] += weight;
            }
        }
        let products: Result<_, Interrupted> = sides
            .into_par_iter()
            .map(|((class, index), a)| {
                interrupt.check()?;
                let of_class = rows.iter().skip(class).step_by(classes);
                let b = of_class
                    .map(|row| dot(row.as_deref(), &strands[index]))
                    .collect();
                Ok(((class, index), Product { a, b }))
            })
            .collect();
        Ok(Self {
            space,
            interrupt,
            left: rounds,
            point: Vec::with_capacity(rounds),
            strands,
            classes,
            products: products?,
        })
    }

    fn message(&self) -> [F; 2] {
        let products = self.products.par_iter().with_min_len(1 << 4);
        products
            .map(|(_, p)| p.message())
            .reduce(|| [F::zero(); 2], add)
    }

    fn bind(&mut self, r: F) {
        let products = self.products.par_iter_mut().with_min_len(1 << 4);
        products.for_each(|(_, p)| p.bind(r));
        self.left -= 1;
        self.point.push(r);
    }

    /// L and w with their first variables bound to the challenges.
    fn combined(&self) -> Result<Product, Interrupted> {
        let (columns, interrupt) = (self.space.columns(), self.interrupt);
        let eq = eq_table(&self.point);
        let mut weights = vec![F::zero(); self.classes * columns];
        let mut vector = Vec::with_capacity(weights.len());
        for class in 0..self.classes {
            interrupt.check()?;
            let of_class = self.space.rows().iter().skip(class).step_by(self.classes);
            let rows: Vec<(&Row, F)> = of_class
                .zip(&eq)
                .filter_map(|(row, e)| row.as_deref().map(|row| (row, *e)))
                .collect();
            vector.extend(combine(&rows, columns));
        }
        let mut by_class: Vec<Vec<(&Strand, F)>> = vec![Vec::new(); self.classes];
        for ((class, index), product) in &self.products {
            by_class[*class].push((&self.strands[*index], product.a[0]));
        }
        weights
            .par_chunks_mut(columns)
            .zip(by_class)
            .try_for_each(|(out, strands)| {
                interrupt.check()?;
                for (strand, a) in strands {
                    let out = out[strand.column..].iter_mut();
                    out.zip(strand.vector.iter())
                        .for_each(|(o, b)| *o += a * *b);
                }
                Ok::<(), Interrupted>(())
            })?;
        Ok(Product {
            a: weights,
            b: vector,
        })
    }
}

/// `<b, row>`.
fn dot(row: Option<&Row>, strand: &Strand) -> F {
    match row {
        None => F::zero(),
        Some(Row::Field(entries)) => inner_product(&entries[strand.column..], &strand.vector),
        Some(Row::Small(entries)) => {
            let mut sum = OffsetInner::default();
            for (k, b) in entries[strand.column..].iter().zip(strand.vector.iter()) {
                sum.add(i64::from(*k), b);
            }
            sum.finish(strand.total)
        }
    }
}

/// What an inner product with a row costs, for each entry.
fn reading(row: Option<&Row>) -> usize {
    match row {
        None => 0,
        Some(Row::Small(_)) => SMALL_PRODUCT,
        Some(Row::Field(_)) => PRODUCT,
    }
}

/// The number of rounds before vectors are made that costs least.
fn rounds(layout: &Layout, space: &Space, strands: &[Strand]) -> usize {
    let cost = |rounds: &usize| -> usize {
        let classes = space.rows().len() >> rounds;
        let mut of_class = vec![0; classes];
        for (i, row) in space.rows().iter().enumerate() {
            of_class[i % classes] += reading(row.as_deref());
        }
        let mut met = vec![usize::MAX; classes];
        let mut cost = classes * space.columns() * 5 * PRODUCT;
        for (index, strand) in strands.iter().enumerate() {
            for (row, _) in &strand.rows {
                let class = row % classes;
                if met[class] != index {
                    met[class] = index;
                    cost += strand.vector.len() * (of_class[class] + PRODUCT);
                    cost += (4 * PRODUCT) << rounds;
                }
            }
        }
        cost
    };
    (0..=layout.log_rows()).min_by_key(cost).unwrap_or(0)
}

/// What all rows together cost to read.
pub(crate) fn reading_all(space: &Space) -> usize {
    space.rows().iter().map(|row| reading(row.as_deref())).sum()
}

impl Left<'_> {
    /// Vectors, if no round is left to the rows.
    fn settled(self) -> Result<Self, Interrupted> {
        match self {
            Self::Rows(rows) if rows.left == 0 => rows.combined().map(Self::Vectors),
            other => Ok(other),
        }
    }
}

impl Instance<Interrupted> for Left<'_> {
    fn message(&mut self) -> Vec<F> {
        let message = match self {
            Self::Rows(rows) => rows.message(),
            Self::Vectors(product) => product.message(),
        };
        message.to_vec()
    }

    fn bind(&mut self, challenge: F) -> Result<(), Interrupted> {
        match self {
            Self::Vectors(product) => product.bind(challenge),
            Self::Rows(rows) => {
                rows.bind(challenge);
                if rows.left == 0 {
                    *self = Self::Vectors(rows.combined()?);
                }
            }
        }
        Ok(())
    }
}

/// Sends all rounds and the value; returns the point.
pub(crate) fn prove(
    layout: &Layout,
    strands: &[Strand],
    space: &Space,
    pads: &[F],
    interrupt: &Interrupt,
    writer: &mut ProofWriter,
) -> Result<Vec<F>, Interrupted> {
    let rounds = rounds(layout, space, strands);
    let rows = Rows::new(space, strands, rounds, interrupt)?;
    let mut left = Left::Rows(rows).settled()?;
    let wanted = || interrupt.check();
    let (rounds, labels) = (layout.variables, (LAST, R));
    let point = verifai_sumcheck::prove(&mut left, rounds, pads, labels, wanted, writer)?;
    if let Left::Vectors(product) = left {
        writer.send(VALUE, &product.b[..1]);
    }
    Ok(point)
}
