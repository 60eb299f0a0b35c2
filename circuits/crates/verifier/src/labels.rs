//! The names of the steps in the transcript, in their order.

use verifai_transcript::Label;

/// The protocol's version.
pub const DOMAIN: &str = "verifai-native-2";
/// The digest of the key.
pub const KEY: Label = Label::new("key");
/// How many inferences.
pub const BATCH: Label = Label::new("batch");
/// What the proof is bound to.
pub const CONTEXT: Label = Label::new("context");
/// Words of the public tensors.
pub const WORDS: Label = Label::new("public words");
/// Rows that are committed before the first challenge.
pub const STAGE_1: Label = Label::new("stage 1");
/// Where the rational functions of the lookups are compared.
pub const ALPHA: Label = Label::new("alpha");
/// What separates tables, inputs and outputs.
pub const BETA: Label = Label::new("beta");
/// Rows of helpers.
pub const STAGE_2: Label = Label::new("stage 2");
/// The point of eq in the zerocheck.
pub const TAU: Label = Label::new("tau");
/// What joins lookups and products.
pub const GAMMA: Label = Label::new("gamma");
/// A round of the zerocheck.
pub const ZEROCHECK: Label = Label::new("zerocheck");
/// Its challenge.
pub const Z: Label = Label::new("z");
/// The columns at z.
pub const COLUMNS: Label = Label::new("columns");
/// The point of the range tables' entries.
pub const ENTRY: Label = Label::new("entry");
/// The point of a custom table's entries.
pub const TABLE_ENTRY: Label = Label::new("table entry");
/// The point of a public tensor's words.
pub const WORD_POINT: Label = Label::new("word point");
/// The point of a tensor that is zero.
pub const ZERO_POINT: Label = Label::new("zero point");
/// What joins the contractions.
pub const ETA: Label = Label::new("eta");
/// A round of the contractions.
pub const CONTRACTION: Label = Label::new("contraction");
/// Its challenge.
pub const KAPPA: Label = Label::new("kappa");
/// Both ends of all contractions.
pub const ENDS: Label = Label::new("ends");
/// What joins all claims.
pub const LAMBDA: Label = Label::new("lambda");
/// A round of the last sumcheck.
pub const LAST: Label = Label::new("last");
/// Its challenge.
pub const R: Label = Label::new("r");
/// The committed vector at r.
pub const VALUE: Label = Label::new("value");
/// Commitments of the tail and of its mask.
pub const TAIL: Label = Label::new("tail");
/// Where the triples are compared.
pub const X: Label = Label::new("x");
/// What is revealed of the triples.
pub const SACRIFICE: Label = Label::new("sacrifice");
/// The tail's mask under the tail's weights.
pub const TAIL_MASK: Label = Label::new("tail mask");
/// How the tail is folded.
pub const G: Label = Label::new("g");
/// The folded tail.
pub const TAIL_ROW: Label = Label::new("tail row");
/// Its blinding.
pub const TAIL_BLINDING: Label = Label::new("tail blinding");
