//! The sumcheck of lookups and products.
//!
//! Each pair of entries is summed at six nodes: 0, -1, 2, -2, 3 and infinity, the coefficient of t^6. They
//! cost one addition each, and with the claim, which is zero at first, they give every value that is sent.

use crate::helpers::Lookups;
use crate::interrupt::{Interrupt, Interrupted};
use rayon::prelude::*;
use std::ops::Range;
use verifai_field::{from_i64, One, Zero, F};
use verifai_lookup::{cleared, relation, Challenges, Selectors, GROUP, RELATION_DEGREE};
use verifai_poly::{bind, eq_table, next_claim};
use verifai_sumcheck::Instance;
use verifai_table::{initial_claims, Layout};
use verifai_transcript::ProofWriter;
use verifai_verifier::labels::{COLUMNS, Z, ZEROCHECK};

/// Factors of a product.
const FACTORS: usize = 5;
/// Pairs below which another thread does not pay.
const PARALLEL: usize = 1 << 8;

/// The tables of the cube.
#[derive(Debug)]
pub(crate) struct Cube<'a> {
    layout: &'a Layout,
    challenges: Challenges,
    tau: &'a [F],
    /// alpha - column - beta tag; alpha where nothing is.
    denominators: [Vec<F>; GROUP],
    helper: Vec<F>,
    factors: [Vec<F>; FACTORS],
    /// eq(tau, .) where groups have more than so many columns: those that differ.
    selectors: Vec<Vec<F>>,
    /// The selector of each column of a group; none where no group has the column.
    numerators: [Option<usize>; GROUP],
    /// gamma eq(tau, .) where products are.
    gate: Vec<F>,
    /// What the round polynomial sums to.
    claim: F,
    /// What was sent last, without pads.
    message: [F; RELATION_DEGREE],
    /// Whether no variable is bound: then every summand is zero at 0 and at 1.
    first: bool,
}

impl<'a> Cube<'a> {
    pub(crate) fn new(
        lookups: &Lookups<'a>,
        helpers: &[(usize, Vec<F>)],
        tau: &'a [F],
        gamma: F,
    ) -> Self {
        let (layout, challenges) = (lookups.entries.layout, lookups.challenges);
        let zeros = || vec![F::zero(); 1usize << layout.cube];
        let eq = eq_table(tau);
        let groups = || layout.groups.iter().map(|g| g.columns.len());
        let mut selectors = vec![zeros()];
        let mut numerators = [Some(0); GROUP];
        for k in 1..GROUP {
            numerators[k] = if groups().all(|n| n <= k) {
                None
            } else if groups().all(|n| n != k) {
                numerators[k - 1]
            } else {
                selectors.push(zeros());
                Some(selectors.len() - 1)
            };
        }
        let none = layout.products.is_empty();
        let of_products = || if none { Vec::new() } else { zeros() };
        let mut cube = Self {
            layout,
            challenges,
            tau,
            denominators: std::array::from_fn(|_| vec![challenges.alpha; 1 << layout.cube]),
            helper: zeros(),
            factors: std::array::from_fn(|_| of_products()),
            selectors,
            numerators,
            gate: of_products(),
            claim: F::zero(),
            message: [F::zero(); RELATION_DEGREE],
            first: true,
        };
        for (group, (_, helper)) in layout.groups.iter().zip(helpers) {
            let positions = layout.blocks[group.helper].shape.positions();
            for (position, helper) in positions.iter().zip(helper) {
                cube.helper[group.base + position] = *helper;
            }
            for (column, table) in group.columns.iter().zip(&mut cube.denominators) {
                for (i, position) in positions.iter().enumerate() {
                    table[group.base + position] = lookups.denominator(column, i);
                }
            }
            let own = cube.numerators[..group.columns.len()].iter().flatten();
            let last = own.max().map_or(0, |last| last + 1);
            for table in &mut cube.selectors[..last] {
                for position in &positions {
                    let at = group.base + position;
                    table[at] = eq[at];
                }
            }
        }
        for product in &layout.products {
            let positions = product.shape.positions();
            for position in &positions {
                let at = product.base + position;
                cube.gate[at] = gamma * eq[at];
            }
            for (f, table) in cube.factors.iter_mut().enumerate() {
                let values = product
                    .factors
                    .get(f)
                    .map(|n| lookups.entries.values.node(*n));
                for (i, position) in positions.iter().enumerate() {
                    let value = values.map_or_else(F::one, |v| from_i64(v[i]));
                    table[product.base + position] = value;
                }
            }
        }
        cube
    }

    /// Puts the slots of a hiding proof in their position, where no selector has weight.
    pub(crate) fn put_slots(&mut self, position: usize, slots: &[F]) {
        let (lookups, rest) = slots.split_at(GROUP);
        for (table, slot) in self.denominators.iter_mut().zip(lookups) {
            table[position] = self.challenges.alpha - slot;
        }
        self.helper[position] = rest[0];
        for (table, slot) in self.factors.iter_mut().zip(&rest[1..]) {
            table[position] = *slot;
        }
    }

    /// Sends all rounds and the columns at the point, which is returned.
    pub(crate) fn prove(
        mut self,
        pads: &[F],
        interrupt: &Interrupt,
        writer: &mut ProofWriter,
    ) -> Result<Vec<F>, Interrupted> {
        let (rounds, labels) = (self.tau.len(), (ZEROCHECK, Z));
        let wanted = || interrupt.check();
        let point = verifai_sumcheck::prove(&mut self, rounds, pads, labels, wanted, writer)?;
        let Challenges { alpha, beta } = self.challenges;
        let tags = initial_claims::selectors(self.layout, self.tau, &point).tags;
        let columns = self.denominators.iter().zip(tags);
        let mut sent: Vec<F> = columns.map(|(d, tag)| alpha - d[0] - beta * tag).collect();
        sent.push(self.helper[0]);
        sent.extend(self.factors.iter().filter_map(|f| f.first()));
        writer.send(COLUMNS, &sent);
        Ok(point)
    }

    /// The sums over some pairs, at the nodes.
    fn partial(&self, range: Range<usize>, half: usize) -> [F; NODES] {
        let mut sums = [F::zero(); NODES];
        for i in range {
            let pair = |table: &Vec<F>| (table[i], table[i + half]);
            let enabled = pair(&self.selectors[0]);
            if !(enabled.0.is_zero() && enabled.1.is_zero()) {
                self.lookups(enabled, pair, &mut sums);
            }
            if self.gate.is_empty() {
                continue;
            }
            let gate = pair(&self.gate);
            if !(gate.0.is_zero() && gate.1.is_zero()) {
                self.products(gate, pair, &mut sums);
            }
        }
        sums
    }

    fn lookups(&self, enabled: Pair, pair: impl Fn(&Vec<F>) -> Pair, sums: &mut [F; NODES]) {
        let zero = (F::zero(), F::zero());
        let numerators = self.numerators.map(|n| match n {
            None => zero,
            Some(0) => enabled,
            Some(n) => pair(&self.selectors[n]),
        });
        let d: [Pair; GROUP] = std::array::from_fn(|k| pair(&self.denominators[k]));
        let h = line(pair(&self.helper));
        let count = numerators.iter().take_while(|n| **n == enabled).count();
        let alpha = self.challenges.alpha;
        let nodes = usize::from(self.first)..INFINITY;
        if numerators[count..].iter().any(|n| *n != zero) {
            let (enabled, numerators, d) = (line(enabled), numerators.map(line), d.map(line));
            for t in nodes {
                let selectors = Selectors {
                    enabled: enabled[t],
                    numerators: numerators.map(|n| n[t]),
                };
                sums[t] += relation(&selectors, &d.map(|d| d[t]), h[t]);
            }
            let all = d.iter().fold(h[INFINITY], |all, d| all * d[INFINITY]);
            sums[INFINITY] += enabled[INFINITY] * all;
        } else if count <= 2 && d[2..] == [(alpha, alpha); 2] {
            // alpha^2 (h a b - a - b), of degree 3
            let square = alpha * alpha;
            let enabled = line((enabled.0 * square, enabled.1 * square));
            let [a, b] = [line(d[0]), line(d[1])];
            for t in nodes {
                let others = if count == 2 { a[t] + b[t] } else { b[t] };
                sums[t] += enabled[t] * (h[t] * a[t] * b[t] - others);
            }
        } else {
            let (enabled, d) = (line(enabled), d.map(line));
            for t in nodes {
                sums[t] += enabled[t] * cleared(count, &d.map(|d| d[t]), h[t]);
            }
            let all = d.iter().fold(h[INFINITY], |all, d| all * d[INFINITY]);
            sums[INFINITY] += enabled[INFINITY] * all;
        }
    }

    fn products(&self, gate: Pair, pair: impl Fn(&Vec<F>) -> Pair, sums: &mut [F; NODES]) {
        let gate = line(gate);
        let factors: [Pair; FACTORS] = std::array::from_fn(|k| pair(&self.factors[k]));
        let ones = factors
            .iter()
            .rev()
            .take_while(|f| f.0.is_one() && f.1.is_one());
        let count = FACTORS - ones.count();
        let lines = factors.map(line);
        // fewer factors make no t^6
        let end = if count == FACTORS { NODES } else { INFINITY };
        for t in usize::from(self.first)..end {
            let factors = lines[..count].iter();
            sums[t] += factors.fold(gate[t], |product, f| product * f[t]);
        }
    }
}

impl Instance<Interrupted> for Cube<'_> {
    fn message(&mut self) -> Vec<F> {
        let half = self.helper.len() / 2;
        let sums = (0..half.div_ceil(PARALLEL))
            .into_par_iter()
            .map(|c| self.partial(c * PARALLEL..half.min((c + 1) * PARALLEL), half))
            .reduce(
                || [F::zero(); NODES],
                |a, b| std::array::from_fn(|t| a[t] + b[t]),
            );
        self.message = values(self.claim, &sums);
        self.message.to_vec()
    }

    fn bind(&mut self, challenge: F) -> Result<(), Interrupted> {
        self.claim = next_claim(self.claim, &self.message, challenge);
        let tables = self.denominators.iter_mut();
        let tables = tables.chain(&mut self.selectors).chain(&mut self.factors);
        let tables = tables.chain([&mut self.helper, &mut self.gate]);
        let tables: Vec<&mut Vec<F>> = tables.collect();
        tables
            .into_par_iter()
            .for_each(|table| bind(table, challenge));
        self.first = false;
        Ok(())
    }
}

/// An entry and its other half.
type Pair = (F, F);

/// How many nodes there are: 0, -1, 2, -2, 3, infinity.
const NODES: usize = 6;
/// The place of the coefficient of t^6.
const INFINITY: usize = NODES - 1;

/// What a linear polynomial is at the nodes, from its values at 0 and 1.
fn line((zero, one): Pair) -> [F; NODES] {
    let step = one - zero;
    let (below, above) = (zero - step, one + step);
    [zero, below, above, below - step, above + step, step]
}

/// `s(0), s(2), ..., s(6)` from the sums at the nodes, with s(0) + s(1) = claim.
fn values(claim: F, sums: &[F; NODES]) -> [F; RELATION_DEGREE] {
    let [zero, below, two, lowest, three, lead] = *sums;
    let top = |t: i64| lead * from_i64(t.pow(6));
    // without its t^6 the polynomial has degree 5: six neighbours give the next
    let mut known: Vec<F> = [lowest, below, zero, claim - zero, two, three]
        .into_iter()
        .zip(-2..)
        .map(|(s, t)| s - top(t))
        .collect();
    for _ in 4..=6 {
        let signs = [1, -6, 15, -20, 15, -6];
        let last = known.iter().rev().take(6).rev();
        let next = last.zip(signs).map(|(s, c)| -*s * from_i64(c)).sum();
        known.push(next);
    }
    std::array::from_fn(|i| {
        let t = if i == 0 { 0 } else { i + 1 };
        known[t + 2] + top(t as i64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use verifai_field::random::random_vec;

    #[test]
    fn nodes_give_what_is_sent() {
        let lines: Vec<Pair> = random_vec(12)
            .unwrap()
            .chunks(2)
            .map(|p| (p[0], p[1]))
            .collect();
        let at = |t: i64| -> F {
            let factors = lines.iter().map(|(a, b)| *a + (*b - a) * from_i64(t));
            factors.product()
        };
        let sums = lines
            .iter()
            .map(|p| line(*p))
            .fold([F::one(); NODES], |a, b| {
                std::array::from_fn(|t| a[t] * b[t])
            });
        let expected = [0, 2, 3, 4, 5, 6].map(at);
        assert_eq!(values(at(0) + at(1), &sums), expected);
    }
}
