//! Edits of an honest proof, its statement and its key.

use crate::honest::{case, BATCH, CONTEXT, HEADER};
use verifai_field::{decode, encode, Field, Fq, F};
use verifai_verifier::{verify_encoded, VerifyingKey};

/// Bytes of one edit: field, kind, position (2 bytes), value, and one that says how often.
const EDIT: usize = 6;
/// Edits of one input.
const MOST: usize = 12;
const ELEMENT: usize = 32;

/// Each 6 bytes change something; what then differs from the honest claim is refused.
pub fn edits(data: &[u8]) {
    let Some((which, script)) = data.split_first() else {
        return;
    };
    let honest = case(*which);
    let good = [
        honest.proof.to_vec(),
        honest.words.to_vec(),
        CONTEXT.to_vec(),
        honest.table.to_vec(),
        honest.commitments.to_vec(),
        honest.tau_g2.to_vec(),
        HEADER.to_vec(),
    ];
    let mut fields = good.clone();
    let mut batch = BATCH;
    for edit in script.chunks_exact(EDIT).take(MOST) {
        let [field, kind, high, low, value, count] = edit else {
            continue;
        };
        let at = usize::from(u16::from_be_bytes([*high, *low]));
        match fields.get_mut(usize::from(*field % 8)) {
            Some(bytes) => change(bytes, *kind, at, *value, *count),
            None => batch = at,
        }
    }
    let changed = fields != good || batch != BATCH;
    assert_eq!(holds(&fields, batch), !changed);
}

fn holds(fields: &[Vec<u8>; 7], batch: usize) -> bool {
    let [proof, words, context, table, commitments, tau_g2, header] = fields;
    let array = |bytes: &Vec<u8>| <[u8; 32]>::try_from(bytes.as_slice());
    let (Ok(context), Ok(header)) = (array(context), array(header)) else {
        return false;
    };
    let key = VerifyingKey::read(header, table, commitments, tau_g2);
    key.is_ok_and(|key| verify_encoded(&key, batch, context, words, proof).is_ok())
}

fn change(bytes: &mut Vec<u8>, kind: u8, at: usize, value: u8, count: u8) {
    let length = bytes.len();
    let at = at.checked_rem(length).unwrap_or(0);
    let elements = length / ELEMENT;
    let index = at.checked_rem(elements).unwrap_or(0);
    let mut elements = bytes.chunks_exact_mut(ELEMENT);
    match kind % 12 {
        0 => bytes.iter_mut().skip(at).take(1).for_each(|b| *b ^= value),
        1 => bytes.truncate(at),
        2 => bytes.extend(std::iter::repeat_n(value, usize::from(count))),
        3 => drop(bytes.drain(..at)),
        4 => bytes.insert(at, value),
        5 => drop(bytes.drain(at..length.min(at + 1))),
        6 => elements
            .nth(index)
            .into_iter()
            .for_each(|word| word.fill(value)),
        7 => swap(bytes, index, usize::from(value)),
        8 => each(elements.nth(index), |x: F| x + F::from(count)),
        9 => each(elements.nth(index), |x: F| -x),
        10 => each(elements.nth(index), |y: Fq| -y), // the other point with this x
        _ => each(elements.nth(index), |x: F| x.inverse().unwrap_or(x)),
    }
}

/// Rewrites an element, if it is one.
fn each<P: verifai_field::encoding::Field256>(word: Option<&mut [u8]>, change: impl Fn(P) -> P) {
    let Some(word) = word else { return };
    if let Ok(x) = decode::<P>(word) {
        word.copy_from_slice(&encode(&change(x)));
    }
}

fn swap(bytes: &mut [u8], i: usize, j: usize) {
    let count = bytes.len() / ELEMENT;
    let (i, j) = (i.min(j), i.max(j).checked_rem(count).unwrap_or(0));
    let (left, right) = bytes.split_at_mut((j * ELEMENT).min(bytes.len()));
    let a = left.chunks_exact_mut(ELEMENT).nth(i);
    let b = right.chunks_exact_mut(ELEMENT).next();
    if let (Some(a), Some(b)) = (a, b) {
        a.swap_with_slice(b);
    }
}
