//! Fuzz targets: each is a function of arbitrary bytes that panics if a property is broken.
//!
//! `circuits/fuzz` hands them to libFuzzer; the tests here run the committed corpus through them
//! with a stable compiler. What each property is stands at its function.
//!
//! | target | bytes are |
//! |---|---|
//! | `table` | an operation table |
//! | `circuit` | edits of an honest table, so that most of them are tables |
//! | `proof` | a proof for a fixed key |
//! | `edits` | edits of an honest proof, its key and its statement |
//! | `messages` | a list of message types, and the proof that they are read from |
//! | `encodings` | scalars, coordinates and points |
//! | `precompiles` | the input of an EVM precompile |
//! | `srs` | a file of a reference string |

#![forbid(unsafe_code)]

pub mod circuit;
pub mod edits;
pub mod encodings;
pub mod honest;
pub mod messages;
pub mod precompiles;
pub mod srs;
pub mod table;

/// What is done with arbitrary bytes. Panics if the target's property does not hold.
pub type Target = fn(&[u8]);

/// All targets by name, as the folders of the corpus are called.
pub const TARGETS: [(&str, Target); 8] = [
    ("table", table::table),
    ("circuit", circuit::circuit),
    ("proof", honest::proof),
    ("edits", edits::edits),
    ("messages", messages::messages),
    ("encodings", encodings::encodings),
    ("precompiles", precompiles::precompiles),
    ("srs", srs::srs),
];
