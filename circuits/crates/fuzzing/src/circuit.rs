//! Edits of an honest operation table, value by value: most of what comes out is a table.

use crate::honest::case;
use crate::table::table;
use serde_json::{json, Value};

/// Bytes of one edit: which value (2 bytes), what to do, an operand.
const EDIT: usize = 4;
/// Edits of one input.
const MOST: usize = 24;

/// Numbers at and beside the small bounds of the format.
const SMALL: [i64; 17] = [0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 16, 17, 26, 62, 63, 64];
/// And at the large ones.
const LARGE: [i64; 7] = [
    1 << 10,
    (1 << 16) + 1,
    1 << 24,
    1 << 31,
    (1 << 62) - 1,
    -1,
    i64::MIN,
];

/// As [`table`], for the table that the edits make.
pub fn circuit(data: &[u8]) {
    let Some((which, script)) = data.split_first() else {
        return;
    };
    let Ok(mut value) = serde_json::from_slice::<Value>(case(*which).table) else {
        return;
    };
    for edit in script.chunks_exact(EDIT).take(MOST) {
        let [high, low, kind, operand] = edit else {
            continue;
        };
        let count = size(&value);
        let mut at = usize::from(u16::from_be_bytes([*high, *low])) % count;
        visit(&mut value, &mut at, &mut |v| change(v, *kind, *operand));
    }
    table(&serde_json::to_vec(&value).unwrap_or_default());
}

/// Values of a document.
fn size(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(fields) => fields.values().map(size).sum(),
        _ => 0,
    }
}

/// Does something with value number `at`, in the order of the text.
fn visit(value: &mut Value, at: &mut usize, act: &mut impl FnMut(&mut Value)) -> bool {
    if *at == 0 {
        act(value);
        return true;
    }
    *at -= 1;
    match value {
        Value::Array(items) => items.iter_mut().any(|v| visit(v, at, act)),
        Value::Object(fields) => fields.values_mut().any(|v| visit(v, at, act)),
        _ => false,
    }
}

fn change(value: &mut Value, kind: u8, operand: u8) {
    let place = usize::from(operand);
    match value {
        Value::Number(number) => {
            let n = number.as_i64().unwrap_or_default();
            *value = match kind % 3 {
                0 => json!(operand),
                1 => json!(n.wrapping_add(i64::from(i8::from_le_bytes([operand])))),
                _ => json!(SMALL.iter().chain(&LARGE).cycle().nth(place)),
            };
        }
        Value::Array(items) => {
            let at = place.checked_rem(items.len()).unwrap_or(0);
            match (kind % 5, items.get(at).cloned()) {
                (0, Some(item)) => items.insert(at, item),
                (1, Some(_)) => drop(items.remove(at)),
                (2, Some(_)) => items.rotate_left(at),
                (3, Some(item)) => items.push(item),
                _ => items.push(json!(operand)),
            }
        }
        Value::Bool(flag) => *flag = !*flag,
        Value::String(text) => {
            let letter = char::from(b'a' + operand % 26);
            match kind % 3 {
                0 => text.push(letter),
                1 => drop(text.pop()),
                _ => *text = letter.to_string(),
            }
        }
        Value::Object(fields) if kind % 4 == 0 => {
            fields.insert("hiding".to_owned(), json!(true));
        }
        Value::Object(_) | Value::Null => {}
    }
}
