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
use verifai_sumcheck::{Instance, Products};
use verifai_table::Layout;
use verifai_transcript::ProofWriter;
use verifai_verifier::labels::{LAST, R, VALUE};

/// The sum, whose first variables are those of the row.
struct Batching<'a> {
    left: Left<'a>,
    interrupt: &'a Interrupt,
}

/// What is left of it.
enum Left<'a> {
    /// Rows, of which some are to become one.
    Rows(Rows<'a>),
    /// L and w as vectors.
    Vectors(Products),
}

/// The first rounds bind some variables of the row, so that rows that differ in these alone (a class:
/// rows of one remainder modulo `classes`) become one. Each strand has a product for each class it meets.
struct Rows<'a> {
    space: &'a Space,
    strands: &'a [Strand],
    classes: usize,
    /// Class and strand of each product.
    met: Vec<(usize, usize)>,
    products: Products,
    /// What the variables were bound to.
    point: Vec<F>,
}

impl<'a> Rows<'a> {
    fn new(
        space: &'a Space,
        strands: &'a [Strand],
        rounds: usize,
        interrupt: &Interrupt,
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
        let met = sides.keys().copied().collect();
        let products: Result<_, Interrupted> = sides
            .into_par_iter()
            .map(|((class, index), a)| {
                interrupt.check()?;
                let of_class = rows.iter().skip(class).step_by(classes);
                let b = of_class.map(|row| dot(row.as_deref(), &strands[index]));
                Ok((a, b.collect(), F::from(1u64)))
            })
            .collect();
        Ok(Self {
            space,
            strands,
            classes,
            met,
            products: Products::new(products?),
            point: Vec::with_capacity(rounds),
        })
    }

    /// L and w as vectors. They are wrong once the interrupt is raised: the next round ends the proof.
    fn combined(&self, interrupt: &Interrupt) -> Products {
        let columns = self.space.columns();
        let eq = eq_table(&self.point);
        let mut vector = Vec::with_capacity(self.classes * columns);
        for class in 0..self.classes {
            let of_class = self.space.rows().iter().skip(class).step_by(self.classes);
            let of_class = of_class.zip(&eq).take_while(|_| interrupt.check().is_ok());
            let rows: Vec<(&Row, F)> = of_class
                .filter_map(|(row, e)| row.as_deref().map(|row| (row, *e)))
                .collect();
            vector.extend(combine(&rows, columns));
        }
        let mut by_class: Vec<Vec<(&Strand, F)>> = vec![Vec::new(); self.classes];
        let sides = self.products.evaluations();
        for ((class, index), sides) in self.met.iter().zip(sides.chunks_exact(2)) {
            by_class[*class].push((&self.strands[*index], sides[0]));
        }
        let mut weights = vec![F::zero(); vector.len()];
        let parts = weights.par_chunks_mut(columns).zip(by_class);
        parts.for_each(|(out, strands)| {
            for (strand, a) in strands {
                let out = out[strand.column..].iter_mut();
                out.zip(strand.vector.iter())
                    .for_each(|(o, b)| *o += a * *b);
            }
        });
        Products::new(vec![(weights, vector, F::from(1u64))])
    }
}

impl Batching<'_> {
    /// Vectors, once there is no round of rows left.
    fn settle(&mut self) {
        if let Left::Rows(rows) = &self.left {
            if rows.products.left() == 0 {
                self.left = Left::Vectors(rows.combined(self.interrupt));
            }
        }
    }
}

impl Instance for Batching<'_> {
    fn message(&mut self) -> Vec<F> {
        match &mut self.left {
            Left::Rows(rows) => rows.products.message(),
            Left::Vectors(vectors) => vectors.message(),
        }
    }

    fn bind(&mut self, challenge: F) {
        match &mut self.left {
            Left::Rows(rows) => {
                rows.products.bind(challenge);
                rows.point.push(challenge);
            }
            Left::Vectors(vectors) => vectors.bind(challenge),
        }
        self.settle();
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
    let left = Left::Rows(rows);
    let mut sum = Batching { left, interrupt };
    sum.settle();
    let wanted = || interrupt.check();
    let labels = (LAST, R);
    let point = verifai_sumcheck::prove(&mut sum, layout.variables, pads, labels, wanted, writer)?;
    if let Left::Vectors(vectors) = sum.left {
        writer.send(VALUE, &vectors.evaluations()[1..]);
    }
    Ok(point)
}
