//! The names of an opening's steps in the transcript, in their order.

use verifai_transcript::Label;

/// The combined blinding.
pub const BLINDING: Label = Label::new("opening blinding");
/// Commitments of the folds.
pub const FOLDS: Label = Label::new("opening folds");
/// The point of evaluation.
pub const POINT: Label = Label::new("opening r");
/// Evaluations of the row and of its folds.
pub const EVALUATIONS: Label = Label::new("opening evaluations");
/// The batching challenge of all evaluations.
pub const BATCH: Label = Label::new("opening nu");
/// The first quotient.
pub const QUOTIENT: Label = Label::new("opening W");
/// The point at which the quotient's relation is tested.
pub const TEST: Label = Label::new("opening z");
/// The second quotient.
pub const WITNESS: Label = Label::new("opening W'");
