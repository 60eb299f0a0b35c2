//! The JSON form of a table, field by field. Unknown and missing fields are errors.

use serde::{Deserialize, Deserializer};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    pub(crate) version: u32,
    pub(crate) log_columns: usize,
    pub(crate) nodes: Vec<Node>,
    pub(crate) tables: Vec<Custom>,
    pub(crate) zero: Vec<usize>,
    pub(crate) product: Vec<Product>,
    pub(crate) lookup: Vec<Lookup>,
    pub(crate) public: Vec<usize>,
    /// Absent or not empty.
    #[serde(default, deserialize_with = "present")]
    pub(crate) linked: Option<Vec<usize>>,
    /// Absent or true; `null` is neither.
    #[serde(default, deserialize_with = "present")]
    pub(crate) hiding: Option<bool>,
}

fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Node {
    Weight {
        shape: Vec<usize>,
        outer: Vec<usize>,
    },
    Committed {
        region: Region,
        batched: bool,
        shape: Vec<usize>,
        outer: Vec<usize>,
        offset: i64,
        limbs: Vec<u32>,
    },
    View {
        source: usize,
        shape: Vec<usize>,
        axes: Vec<Map>,
    },
    Reshape {
        source: usize,
        shape: Vec<usize>,
    },
    Linear {
        shape: Vec<usize>,
        terms: Vec<(i64, usize)>,
        offset: i64,
    },
    Einsum {
        left: usize,
        right: usize,
        labels: [String; 3],
    },
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Region {
    Input,
    Output,
    Witness,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Map {
    Affine(Affine),
    Indices(Indices),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Affine {
    pub(crate) offset: i64,
    pub(crate) terms: Vec<(usize, i64)>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Indices {
    pub(crate) axis: usize,
    pub(crate) indices: Vec<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Custom {
    pub(crate) first: i64,
    pub(crate) outputs: Vec<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Product {
    pub(crate) factors: Vec<usize>,
    pub(crate) outer: Vec<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lookup {
    pub(crate) table: usize,
    pub(crate) input: usize,
    pub(crate) output: usize,
    pub(crate) outer: Vec<usize>,
}
