//! The JSON form of a table.
//!
//! serde reads a struct from an array too, an enum from an object, and absence from `null`; where variants
//! tell themselves by their fields, it overlooks others. [`Table::read`] therefore writes what it has read
//! and compares: one table has one encoding, and any other form of it is refused.

use crate::error::TableError;
use crate::node::{Custom, Kind, Lookup, Product};
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    pub(crate) version: u32,
    pub(crate) log_columns: usize,
    pub(crate) nodes: Vec<Kind>,
    pub(crate) tables: Vec<Custom>,
    pub(crate) zero: Vec<usize>,
    pub(crate) product: Vec<Product>,
    pub(crate) lookup: Vec<Lookup>,
    pub(crate) inputs: Vec<Tensor>,
    pub(crate) outputs: Vec<Tensor>,
    /// Absent or true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hiding: Option<bool>,
}

impl Table {
    /// Reads the canonical form and nothing else.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, TableError> {
        let json = |e: serde_json::Error| TableError::Json(e.to_string());
        let table: Self = serde_json::from_slice(bytes).map_err(json)?;
        // a Value sorts its keys
        let canonical = serde_json::to_value(&table)
            .and_then(|value| serde_json::to_vec(&value))
            .map_err(json)?;
        if canonical != bytes {
            return Err(TableError::Json("not in canonical form".to_owned()));
        }
        Ok(table)
    }
}

/// An input or output of the model.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tensor {
    pub(crate) node: usize,
    pub(crate) shape: Vec<usize>,
    pub(crate) visibility: Visibility,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Visibility {
    Public,
    Committed,
    Private,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{json, Value};

    /// Every kind of node and constraint.
    fn table() -> Value {
        json!({
            "version": 2, "log_columns": 7, "hiding": true,
            "nodes": [
                {"kind": "weight", "shape": [2, 2], "outer": [0]},
                {"kind": "committed", "region": "witness", "batched": true, "shape": [2], "outer": [],
                 "offset": -4, "limbs": [3]},
                {"kind": "view", "source": 1, "shape": [2], "axes": [{"axis": 0, "indices": [1, 0]}]},
                {"kind": "view", "source": 1, "shape": [2], "axes": [{"offset": 0, "terms": [[0, 1]]}]},
                {"kind": "reshape", "source": 2, "shape": [2, 1]},
                {"kind": "linear", "shape": [2], "terms": [[1, 2], [-1, 3]], "offset": 0},
                {"kind": "einsum", "left": 0, "right": 1, "labels": ["mk", "k", "m"]},
            ],
            "tables": [{"first": -4, "outputs": [4, 3, 2, 1, 0, 1, 2, 3]}],
            "zero": [5],
            "product": [{"factors": [2, 3], "outer": []}],
            "lookup": [{"table": 0, "input": 1, "output": 2, "outer": []}],
            "inputs": [{"node": 1, "shape": [2], "visibility": "committed"}],
            "outputs": [],
        })
    }

    fn read(table: &Value) -> Result<Table, TableError> {
        Table::read(&serde_json::to_vec(table).unwrap())
    }

    #[test]
    fn the_canonical_form_is_read() {
        assert!(read(&table()).is_ok());
        let mut plain = table();
        plain.as_object_mut().unwrap().remove("hiding");
        assert!(read(&plain).is_ok());
        let spaced = serde_json::to_vec_pretty(&table()).unwrap();
        assert!(Table::read(&spaced).is_err());
        let text = serde_json::to_string(&table()).unwrap();
        let escaped = text.replace("\"weight\"", "\"\\u0077eight\"");
        assert!(escaped != text && Table::read(escaped.as_bytes()).is_err());
    }

    /// serde's other forms of a struct and of an enum, each where it would be read.
    #[test]
    fn objects_are_objects_and_names_are_strings() {
        let whole = [
            "version",
            "log_columns",
            "nodes",
            "tables",
            "zero",
            "product",
            "lookup",
            "inputs",
            "outputs",
            "hiding",
        ];
        let list = |object: &Value, keys: &[&str]| -> Value {
            keys.iter().map(|key| object[*key].clone()).collect()
        };
        assert!(serde_json::from_value::<Table>(list(&table(), &whole)).is_ok());
        assert!(read(&list(&table(), &whole)).is_err());
        for (place, keys) in [
            ("/nodes/0", &["kind", "shape", "outer"][..]),
            ("/nodes/4", &["kind", "source", "shape"]),
            ("/tables/0", &["first", "outputs"]),
            ("/product/0", &["factors", "outer"]),
            ("/lookup/0", &["table", "input", "output", "outer"]),
            ("/inputs/0", &["node", "shape", "visibility"]),
        ] {
            let mut other = table();
            let object = other.pointer_mut(place).unwrap();
            *object = list(object, keys);
            assert!(
                serde_json::from_value::<Table>(other.clone()).is_ok(),
                "{place}"
            );
            assert!(read(&other).is_err(), "{place}");
        }
        for (place, keys) in [
            ("/nodes/2/axes/0", &["axis", "indices"]),
            ("/nodes/3/axes/0", &["offset", "terms"]),
        ] {
            let mut other = table();
            let object = other.pointer_mut(place).unwrap();
            *object = list(object, keys);
            assert!(read(&other).is_err(), "{place}");
        }
        for (place, name) in [
            ("/nodes/1/region", "witness"),
            ("/inputs/0/visibility", "committed"),
        ] {
            let mut other = table();
            *other.pointer_mut(place).unwrap() = json!({name: null});
            assert!(serde_json::from_value::<Table>(other.clone()).is_ok());
            assert!(read(&other).is_err(), "{place}");
        }
    }
    /// A field too many, or one that is missing, anywhere.
    #[test]
    fn each_object_has_its_fields_and_no_others() {
        let places = [
            "",
            "/nodes/0",
            "/nodes/1",
            "/nodes/2",
            "/nodes/2/axes/0",
            "/nodes/3/axes/0",
            "/nodes/4",
            "/nodes/5",
            "/nodes/6",
            "/tables/0",
            "/product/0",
            "/lookup/0",
            "/inputs/0",
        ];
        for place in places {
            for extra in ["unknown", "axis", "offset", "shape", "batched", "hiding"] {
                let mut other = table();
                let object = other.pointer_mut(place).unwrap().as_object_mut().unwrap();
                if !object.contains_key(extra) {
                    object.insert(extra.to_owned(), json!(null));
                    assert!(read(&other).is_err(), "{place} {extra}");
                }
            }
            let fields = table().pointer(place).unwrap().as_object().unwrap().clone();
            for field in fields.keys().filter(|field| *field != "hiding") {
                let mut other = table();
                let object = other.pointer_mut(place).unwrap().as_object_mut().unwrap();
                object.remove(field);
                assert!(read(&other).is_err(), "{place} {field}");
            }
        }
        let mut null = table();
        null["hiding"] = json!(null);
        assert!(read(&null).is_err());
    }
}
