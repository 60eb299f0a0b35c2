//! The randomness of a hiding proof: fresh from the operating system for every attempt.

use crate::error::ProveError;
use crate::job::Job;
use crate::key::ProvingKey;
use crate::masks::Mask;
use crate::space::Space;
use verifai_commitment::{KeyError as RowError, PublicRow, Row};
use verifai_curve::G1;
use verifai_field::{inner_product, F};
use verifai_table::layout::TRIPLE;
use verifai_table::{Layout, Region};
use verifai_transcript::ProofWriter;
use verifai_verifier::claims::first_contraction_pad;
use verifai_verifier::labels::{G, TAIL, TAIL_BLINDING, TAIL_MASK, TAIL_ROW};
use verifai_verifier::rounds::pad_weights;

/// Everything that hides. All vectors are empty for a proof that does not hide.
#[derive(Debug, Default)]
pub(crate) struct Randomness {
    /// One for each column of the zerocheck.
    pub(crate) slots: Vec<F>,
    /// (a, b, ab, a', b', a'b') for each contraction.
    pub(crate) triples: Vec<F>,
    /// Of the rounds of zerocheck and contractions.
    pub(crate) pads: Vec<F>,
    /// The row M.
    mask: Vec<F>,
    /// The tail: pads of the batching sumcheck.
    pub(crate) tail: Vec<F>,
    /// Its mask.
    pub(crate) tail_mask: Vec<F>,
    /// Blindings of tail and mask.
    pub(crate) tail_blindings: Vec<F>,
    /// Blindings of all rows of the address space, by row; those of the weights are the key's.
    pub(crate) rows: Vec<F>,
}

impl Randomness {
    /// Draws all of it, or nothing if the layout does not hide.
    pub(crate) fn draw(layout: &Layout, job: &Job) -> Result<Self, ProveError> {
        let draw = |mask, n| job.draw(mask, n);
        let Some(hiding) = &layout.hiding else {
            return Ok(Self {
                rows: vec![F::default(); 1 << layout.log_rows()],
                ..Self::default()
            });
        };
        let pairs = 2 * layout.contractions.len();
        let first = draw(Mask::Triples, pairs)?;
        let second = draw(Mask::SecondTriples, pairs)?;
        let mut triples = Vec::with_capacity(layout.contractions.len() * TRIPLE);
        for (ab, other) in first.chunks_exact(2).zip(second.chunks_exact(2)) {
            for pair in [ab, other] {
                triples.extend([pair[0], pair[1], pair[0] * pair[1]]);
            }
        }
        let of_zerocheck = first_contraction_pad(layout);
        let mut pads = draw(Mask::ZerocheckPads, of_zerocheck)?;
        pads.extend(draw(
            Mask::ContractionPads,
            hiding.pad_count - of_zerocheck,
        )?);
        let mut rows = draw(Mask::WitnessBlindings, 1 << layout.log_rows())?;
        for (region, mask) in [
            (Region::Helper, Mask::HelperBlindings),
            (Region::Mask, Mask::RowBlinding),
        ] {
            let range = layout.region_rows(region);
            let own = draw(mask, range.len())?;
            rows[range].copy_from_slice(&own);
        }
        Ok(Self {
            slots: draw(Mask::Slots, layout.columns())?,
            triples,
            pads,
            mask: draw(Mask::Row, 1 << layout.log_columns)?,
            tail: draw(Mask::Tail, layout.tail())?,
            tail_mask: draw(Mask::TailMask, layout.tail())?,
            tail_blindings: draw(Mask::TailBlindings, 2)?,
            rows,
        })
    }

    /// Takes the blindings of linked tensors, where they are given.
    pub(crate) fn link(&mut self, layout: &Layout, given: &[Vec<F>]) -> Result<(), ProveError> {
        if given.is_empty() {
            return Ok(());
        }
        let lengths = |got: usize, expected: usize| {
            let wrong = (got != expected).then_some(ProveError::Blindings { got, expected });
            wrong.map_or(Ok(()), Err)
        };
        lengths(given.len(), layout.linked().count())?;
        for (rows, given) in layout.linked().zip(given) {
            lengths(given.len(), rows.len())?;
            self.rows[rows].copy_from_slice(given);
        }
        Ok(())
    }

    /// Writes what lies in the address space, in rows of field elements.
    pub(crate) fn put(&self, layout: &Layout, space: &mut Space) {
        let Some(hiding) = &layout.hiding else { return };
        let lines = [
            (Some(hiding.slots), &self.slots),
            (hiding.triples, &self.triples),
            (Some(hiding.pads), &self.pads),
            (Some(hiding.mask), &self.mask),
        ];
        for (block, values) in lines {
            if let Some(block) = block.map(|b| &layout.blocks[b]) {
                space.widen(block);
                space.put_field(block, values);
            }
        }
    }

    /// `x a - a'` and `b - b'` of every triple.
    pub(crate) fn sacrifice(&self, x: F) -> Vec<F> {
        let triples = self.triples.chunks_exact(TRIPLE);
        triples
            .flat_map(|t| [x * t[0] - t[3], t[1] - t[4]])
            .collect()
    }

    /// `<L2, M2>`.
    pub(crate) fn masked(&self, weights: &[F]) -> F {
        inner_product(weights, &self.tail_mask)
    }

    /// `P2 + g M2` and its blinding.
    pub(crate) fn folded(&self, g: F) -> (Vec<F>, F) {
        let pairs = self.tail.iter().zip(&self.tail_mask);
        let row = pairs.map(|(p, m)| *p + g * m).collect();
        (row, self.tail_blindings[0] + g * self.tail_blindings[1])
    }
}

/// Commits to the tail and to its mask.
pub(crate) fn send_tail(
    key: &ProvingKey,
    random: &Randomness,
    writer: &mut ProofWriter,
) -> Result<(), ProveError> {
    let rows = [&random.tail, &random.tail_mask].into_iter();
    let commitments: Result<Vec<G1>, RowError> = rows
        .zip(&random.tail_blindings)
        .map(|(row, blinding)| {
            let row = Row::Field(row.clone());
            key.commitment.commit(&row, *blinding).map(G1)
        })
        .collect();
    let commitments = commitments?;
    if !commitments.is_empty() {
        writer.send(TAIL, &commitments);
    }
    Ok(())
}

/// Reveals the tail under its mask; the row that the opening then shows to be the committed one.
pub(crate) fn fold_tail(
    layout: &Layout,
    random: &Randomness,
    r: &[F],
    writer: &mut ProofWriter,
) -> Result<Vec<PublicRow>, ProveError> {
    if layout.hiding.is_none() {
        return Ok(Vec::new());
    }
    let weights = pad_weights(2, r);
    writer.send(TAIL_MASK, &[random.masked(&weights)]);
    let (coefficients, blinding) = random.folded(writer.transcript.challenge(G));
    writer.send(TAIL_ROW, &coefficients);
    writer.send(TAIL_BLINDING, &[blinding]);
    Ok(vec![PublicRow {
        commitment: Default::default(), // the verifier's to know
        blinding,
        coefficients,
    }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// Two contractions that hide, of four entries each, with 2^7 columns.
    const TABLE: &[u8] = br#"{"hiding":true,"inputs":[],"log_columns":7,"lookup":[],"nodes":[{"batched":true,"kind":"committed","limbs":[8],"offset":0,"outer":[],"region":"input","shape":[4]},{"kind":"weight","outer":[],"shape":[4]},{"kind":"einsum","labels":["k","k",""],"left":0,"right":1},{"kind":"einsum","labels":["k","k",""],"left":0,"right":0},{"batched":true,"kind":"committed","limbs":[8,8,8],"offset":0,"outer":[],"region":"output","shape":[]},{"kind":"linear","offset":0,"shape":[],"terms":[[1,2],[1,3],[-1,4]]}],"outputs":[],"product":[],"tables":[],"version":2,"zero":[5]}"#;

    /// All masks with their names. A field that is added is added here.
    fn masks(random: Randomness) -> [(&'static str, Vec<F>); 8] {
        let Randomness {
            slots,
            triples,
            pads,
            mask,
            tail,
            tail_mask,
            tail_blindings,
            rows,
        } = random;
        [
            ("slots", slots),
            ("triples", triples),
            ("pads", pads),
            ("row", mask),
            ("tail", tail),
            ("tail mask", tail_mask),
            ("tail blindings", tail_blindings),
            ("rows", rows),
        ]
    }

    /// One value twice, in a proof or in two, is a relation between what the two hide.
    #[test]
    fn no_two_masks_are_equal() {
        let circuit = verifai_table::read(TABLE).unwrap();
        let layout = Layout::new(&circuit, 1).unwrap();
        let pads = layout.hiding.as_ref().unwrap().pad_count;
        let counts = [
            layout.columns(),
            2 * TRIPLE,
            pads,
            1 << 7,
            layout.tail(),
            layout.tail(),
            2,
            1 << layout.log_rows(),
        ];
        assert!(first_contraction_pad(&layout) < pads && layout.contractions.len() == 2);
        let mut seen = HashSet::from([F::default()]);
        for proof in 0..2 {
            let random = Randomness::draw(&layout, &Job::default()).unwrap();
            for ((name, values), count) in masks(random).into_iter().zip(counts) {
                assert_eq!(values.len(), count, "{name}");
                for (i, value) in values.into_iter().enumerate() {
                    assert!(seen.insert(value), "{name} {i} of proof {proof}");
                }
            }
        }
    }
}
