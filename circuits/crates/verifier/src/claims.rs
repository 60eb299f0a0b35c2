//! The claims that follow from what was sent: prover and verifier derive them alike. A prover has no use
//! for their constants.

use crate::labels::{ENTRY, TABLE_ENTRY, WORD_POINT, ZERO_POINT};
use crate::rounds::pad_weights;
use verifai_field::{from_i64, powers, Field, One, F};
use verifai_lookup::{Challenges, ENTRY_VARIABLES, RELATION_DEGREE};
use verifai_poly::variables;
use verifai_table::initial_claims;
use verifai_table::layout::TRIPLE;
use verifai_table::pullback::{pullback, Pulled};
use verifai_table::{Claim, Instance, Layout, PullError, Words, Work};
use verifai_transcript::Transcript;

/// The table side at random points.
pub fn tables(layout: &Layout, challenges: &Challenges, transcript: &mut Transcript) -> Vec<Claim> {
    let mut points = vec![transcript.challenges(ENTRY, ENTRY_VARIABLES)];
    for table in &layout.circuit.tables {
        points.push(transcript.challenges(TABLE_ENTRY, variables(table.outputs.len())));
    }
    initial_claims::table_side(layout, challenges, &points)
}

/// The public tensors, each at a random point of its words.
pub fn words(
    layout: &Layout,
    mut words: &[F],
    transcript: &mut Transcript,
) -> Result<Vec<Claim>, PullError> {
    let mut claims = Vec::new();
    for node in &layout.circuit.public {
        let dims = layout.circuit.dims(*node);
        let shape = Words::of(&layout.circuit, *node).ok_or(PullError::Missing(*node))?;
        let (own, after) = words
            .split_at_checked(shape.count())
            .unwrap_or((words, &[]));
        words = after;
        let point = transcript.challenges(WORD_POINT, shape.point_variables(dims));
        let claim = initial_claims::words(layout, *node, own, &point);
        claims.push(claim.ok_or(PullError::Missing(*node))?);
    }
    Ok(claims)
}

/// The `zero` nodes, each at a random point: those without einsums are claims, the others are returned.
pub fn equations(
    layout: &Layout,
    transcript: &mut Transcript,
    claims: &mut Vec<Claim>,
    work: &mut Work,
) -> Result<Vec<Pulled>, PullError> {
    let mut equations = Vec::new();
    for node in &layout.circuit.zero {
        let count = initial_claims::point_variables(layout.circuit.dims(*node));
        let point = transcript.challenges(ZERO_POINT, count);
        let pulled = initial_claims::zero(layout, *node, &point, work)?;
        if layout.circuit.node(*node).is_some_and(|n| n.einsum) {
            equations.push(pulled);
        } else {
            claims.push(pulled.claim);
        }
    }
    Ok(equations)
}

/// The batched initial claim, and all instances with their coefficients
/// `eta^e c_j / 2^(rounds - m_j)`.
pub fn batch(equations: Vec<Pulled>, eta: F) -> (Claim, Vec<(Instance, F)>) {
    let mut running = Claim::default();
    let mut instances = Vec::new();
    for (equation, power) in equations.into_iter().zip(powers(eta)) {
        running.add(equation.claim, -power);
        instances.extend(equation.instances.into_iter().map(|i| {
            let coefficient = power * i.coefficient;
            (i, coefficient)
        }));
    }
    let rounds = instances.iter().map(|i| i.0.variables()).max().unwrap_or(0);
    let half = from_i64(2).inverse().unwrap_or_else(F::one);
    for (instance, coefficient) in &mut instances {
        let waiting = rounds.saturating_sub(instance.variables());
        *coefficient *= half.pow([waiting as u64]);
    }
    (running, instances)
}

/// The sumcheck of the contractions after its rounds.
#[derive(Clone, Debug)]
pub struct Contractions {
    /// Its claim.
    pub running: Claim,
    /// The contractions with their coefficients.
    pub instances: Vec<(Instance, F)>,
    /// The point.
    pub kappa: Vec<F>,
    /// Both ends of each contraction, as sent.
    pub ends: Vec<F>,
    /// What was revealed of the triples, where there are any.
    pub sacrifice: Option<Sacrifice>,
}

/// What is revealed of the triples.
#[derive(Clone, Debug)]
pub struct Sacrifice {
    /// The block of all triples.
    pub block: usize,
    /// Where they are compared.
    pub x: F,
    /// `x a - a'` and `b - b'` of each.
    pub revealed: Vec<F>,
}

impl Contractions {
    /// The claims that it ends in: its own, then those of each contraction's ends and triple.
    pub fn claims(self, layout: &Layout, work: &mut Work) -> Result<Vec<Claim>, PullError> {
        let mut running = self.running;
        let first = first_contraction_pad(layout);
        unpad(layout, &mut running, first, &pad_weights(2, &self.kappa));
        let mut claims = Vec::new();
        let pairs = self.instances.iter().zip(self.ends.chunks_exact(2));
        for (j, ((instance, coefficient), pair)) in pairs.enumerate() {
            let [a, b] = pair else { continue };
            running.constant -= *coefficient * a * b;
            let own = self.kappa.len().saturating_sub(instance.variables());
            let (left, right) = instance.ends(self.kappa.get(own..).unwrap_or_default(), work)?;
            let mut ends = Vec::with_capacity(5);
            for (node, term, value) in [(instance.left, left, a), (instance.right, right, b)] {
                let Pulled { mut claim, .. } = pullback(layout, node, term, work)?;
                claim.constant -= value;
                ends.push(claim);
            }
            if let Some(Sacrifice { block, x, revealed }) = &self.sacrifice {
                let triple = Triple {
                    block: *block,
                    layout,
                    j,
                };
                triple.product(&mut running, *coefficient, *a, *b);
                for (claim, entry) in ends.iter_mut().zip([0, 1]) {
                    triple.add(claim, &[(entry, F::one())]);
                }
                if let Some([e, f]) = revealed.chunks_exact(2).nth(j) {
                    ends.extend(triple.sacrifice(*x, *e, *f));
                }
            }
            claims.extend(ends);
        }
        claims.insert(0, running);
        Ok(claims)
    }
}

/// Where the pads of the contractions start.
pub fn first_contraction_pad(layout: &Layout) -> usize {
    layout.cube.saturating_mul(RELATION_DEGREE)
}

/// Gives the pads of a sumcheck their weights in its claim.
pub fn unpad(layout: &Layout, claim: &mut Claim, first: usize, weights: &[F]) {
    if let Some(hiding) = &layout.hiding {
        let placed = (first..).zip(weights.iter().copied());
        claim.push_entries(layout, hiding.pads, placed);
    }
}

/// The j-th triple (a, b, c, a', b', c'): c = ab, c' = a'b', and a, b are the pads of the two ends.
#[derive(Clone, Copy, Debug)]
struct Triple<'a> {
    /// The block of all triples.
    block: usize,
    layout: &'a Layout,
    j: usize,
}

impl Triple<'_> {
    /// Adds weights on its entries.
    fn add(&self, claim: &mut Claim, weights: &[(usize, F)]) {
        let first = self.j.saturating_mul(TRIPLE);
        let placed = weights.iter().map(|(i, w)| (first.saturating_add(*i), *w));
        claim.push_entries(self.layout, self.block, placed);
    }

    /// Adds what `- coefficient (A - a)(B - b)` has besides `- coefficient A B`.
    fn product(&self, claim: &mut Claim, coefficient: F, a: F, b: F) {
        let (of_a, of_b) = (coefficient * b, coefficient * a);
        self.add(claim, &[(0, of_a), (1, of_b), (2, -coefficient)]);
    }

    /// `x a - a' = e`, `b - b' = f`, and `x c - c' - e b' - f a' = e f`, which together say c = ab.
    fn sacrifice(&self, x: F, e: F, f: F) -> [Claim; 3] {
        let claim = |constant: F, weights: &[(usize, F)]| {
            let mut claim = Claim::from(constant);
            self.add(&mut claim, weights);
            claim
        };
        [
            claim(-e, &[(0, x), (3, -F::one())]),
            claim(-f, &[(1, F::one()), (4, -F::one())]),
            claim(-(e * f), &[(2, x), (5, -F::one()), (4, -e), (3, -f)]),
        ]
    }
}
