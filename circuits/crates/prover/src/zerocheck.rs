//! The sumcheck of lookups and products.

use rayon::prelude::*;
use verifai_field::{from_i64, One, Zero, F};
use verifai_lookup::{relation, Challenges, Selectors, GROUP, RELATION_DEGREE};
use verifai_poly::{bind, eq_table};
use verifai_transcript::ProofWriter;
use verifai_verifier::labels::{COLUMNS, Z, ZEROCHECK};

use crate::helpers::Lookups;
use crate::interrupt::{Interrupt, Interrupted};

/// Factors of a product.
const FACTORS: usize = 5;
/// Pairs below which another thread does not pay.
const PARALLEL: usize = 1 << 8;

/// The tables of the cube.
#[derive(Debug)]
pub(crate) struct Cube {
    /// alpha - column - beta tag; alpha where nothing is.
    denominators: [Vec<F>; GROUP],
    helper: Vec<F>,
    factors: [Vec<F>; FACTORS],
    enabled: Vec<F>,
    numerators: [Vec<F>; GROUP],
    gate: Vec<F>,
    /// Extensions of the tags: for the columns sent.
    tags: [Vec<F>; GROUP],
}

impl Cube {
    pub(crate) fn new(lookups: &Lookups<'_>, helpers: &[Vec<F>], tau: &[F]) -> Self {
        let Lookups {
            circuit,
            layout,
            values,
            challenges,
            ..
        } = lookups;
        let size = 1usize << layout.cube;
        let zeros = || vec![F::zero(); size];
        let eq = eq_table(tau);
        let mut cube = Self {
            denominators: std::array::from_fn(|_| vec![challenges.alpha; size]),
            helper: zeros(),
            factors: std::array::from_fn(|_| {
                if circuit.product.is_empty() {
                    Vec::new()
                } else {
                    zeros()
                }
            }),
            enabled: zeros(),
            numerators: std::array::from_fn(|_| zeros()),
            gate: if circuit.product.is_empty() {
                Vec::new()
            } else {
                zeros()
            },
            tags: std::array::from_fn(|_| zeros()),
        };
        for (group, helper) in layout.groups.iter().zip(helpers) {
            let positions = layout.blocks[group.helper].shape.positions();
            for (i, position) in positions.iter().enumerate() {
                let at = group.base + position;
                cube.enabled[at] = eq[at];
                cube.helper[at] = helper[i];
            }
            for (c, column) in group.columns.iter().enumerate() {
                let tag = from_i64(column.table().tag());
                for (i, position) in positions.iter().enumerate() {
                    let at = group.base + position;
                    cube.denominators[c][at] = lookups.denominator(column, i);
                    cube.numerators[c][at] = eq[at];
                    cube.tags[c][at] = tag;
                }
            }
        }
        for product in &layout.products {
            let positions = product.shape.positions();
            for position in &positions {
                cube.gate[product.base + position] = eq[product.base + position];
            }
            for (f, table) in cube.factors.iter_mut().enumerate() {
                match product.factors.get(f) {
                    Some(node) => {
                        for (position, value) in positions.iter().zip(values.node(*node)) {
                            table[product.base + position] = from_i64(*value);
                        }
                    }
                    None => {
                        for position in &positions {
                            table[product.base + position] = F::one();
                        }
                    }
                }
            }
        }
        cube
    }

    /// Puts the slots of a hiding proof in their position, where no selector has weight.
    pub(crate) fn put_slots(&mut self, position: usize, slots: &[F], alpha: F) {
        let (lookups, rest) = slots.split_at(GROUP);
        for (table, slot) in self.denominators.iter_mut().zip(lookups) {
            table[position] = alpha - slot;
        }
        self.helper[position] = rest[0];
        for (table, slot) in self.factors.iter_mut().zip(&rest[1..]) {
            table[position] = *slot;
        }
    }

    /// Sends all rounds and the columns at the point, which is returned.
    pub(crate) fn prove(
        mut self,
        challenges: &Challenges,
        gamma: F,
        variables: usize,
        pads: &[F],
        interrupt: &Interrupt,
        writer: &mut ProofWriter,
    ) -> Result<Vec<F>, Interrupted> {
        let mut pads = pads.iter();
        let mut point = Vec::with_capacity(variables);
        for _ in 0..variables {
            interrupt.check()?;
            let mut message = self.round(gamma);
            message.iter_mut().zip(&mut pads).for_each(|(m, p)| *m += p);
            writer.send(ZEROCHECK, &message);
            let z = writer.challenge(Z);
            self.tables()
                .into_par_iter()
                .for_each(|table| bind(table, z));
            point.push(z);
        }
        let mut sent: Vec<F> = self
            .denominators
            .iter()
            .zip(&self.tags)
            .map(|(d, tag)| challenges.alpha - d[0] - challenges.beta * tag[0])
            .collect();
        sent.push(self.helper[0]);
        sent.extend(self.factors.iter().filter_map(|f| f.first()));
        writer.send(COLUMNS, &sent);
        Ok(point)
    }

    fn tables(&mut self) -> Vec<&mut Vec<F>> {
        let mut out: Vec<&mut Vec<F>> = self.denominators.iter_mut().collect();
        out.extend([&mut self.helper, &mut self.enabled]);
        out.extend(&mut self.numerators);
        out.extend(&mut self.tags);
        if !self.gate.is_empty() {
            out.push(&mut self.gate);
            out.extend(&mut self.factors);
        }
        out
    }

    /// `s(0), s(2), ..., s(6)` of the next variable.
    fn round(&self, gamma: F) -> Vec<F> {
        let half = self.helper.len() / 2;
        (0..half.div_ceil(PARALLEL))
            .into_par_iter()
            .map(|c| self.partial(c * PARALLEL..half.min((c + 1) * PARALLEL), half, gamma))
            .reduce(
                || vec![F::zero(); RELATION_DEGREE],
                |mut a, b| {
                    a.iter_mut().zip(b).for_each(|(x, y)| *x += y);
                    a
                },
            )
    }

    fn partial(&self, range: std::ops::Range<usize>, half: usize, gamma: F) -> Vec<F> {
        let mut out = vec![F::zero(); RELATION_DEGREE];
        for i in range {
            let j = i + half;
            if !(self.enabled[i].is_zero() && self.enabled[j].is_zero()) {
                let line = |t: &[F]| (t[i], t[j] - t[i]);
                let mut h = line(&self.helper);
                let mut en = line(&self.enabled);
                let mut d: [(F, F); GROUP] = std::array::from_fn(|k| line(&self.denominators[k]));
                let mut n: [(F, F); GROUP] = std::array::from_fn(|k| line(&self.numerators[k]));
                for (t, sum) in nodes(&mut out) {
                    if t > 0 {
                        step(&mut h);
                        step(&mut en);
                        d.iter_mut().for_each(step);
                        n.iter_mut().for_each(step);
                    }
                    if let Some(sum) = sum {
                        let selectors = Selectors {
                            enabled: en.0,
                            numerators: n.map(|x| x.0),
                        };
                        *sum += relation(&selectors, &d.map(|x| x.0), h.0);
                    }
                }
            }
            let gate = |at: usize| self.gate.get(at).is_some_and(|g| !g.is_zero());
            if gate(i) || gate(j) {
                let line = |t: &[F]| (t[i], t[j] - t[i]);
                let mut gate = line(&self.gate);
                gate.0 *= gamma;
                gate.1 *= gamma;
                let mut f: [(F, F); FACTORS] = std::array::from_fn(|k| line(&self.factors[k]));
                for (t, sum) in nodes(&mut out) {
                    if t > 0 {
                        step(&mut gate);
                        f.iter_mut().for_each(step);
                    }
                    if let Some(sum) = sum {
                        *sum += f.iter().fold(gate.0, |product, x| product * x.0);
                    }
                }
            }
        }
        out
    }
}

/// The nodes 0, 1, ..., 6 with the places of their sums; node 1 is not sent.
fn nodes(out: &mut [F]) -> impl Iterator<Item = (usize, Option<&mut F>)> {
    let mut places = out.iter_mut();
    (0..=RELATION_DEGREE).map(move |t| (t, if t == 1 { None } else { places.next() }))
}

fn step(value: &mut (F, F)) {
    value.0 += value.1;
}
