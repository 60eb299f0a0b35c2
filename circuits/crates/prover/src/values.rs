//! Integer values of nodes: what einsums, products and lookups read.

use rayon::prelude::*;
use std::borrow::Cow;
use verifai_table::{strides, Circuit, Ids, Kind, Map};

/// The integers of a node, as they are kept.
#[derive(Clone, Copy, Debug)]
pub enum Integers<'a> {
    /// Weights.
    Small(&'a [i32]),
    /// All others.
    Wide(&'a [i64]),
}

/// Values of nodes, row-major with the batch axis first; empty where nothing asked for them.
#[derive(Debug)]
pub struct Values<'a> {
    nodes: Vec<Vec<i64>>,
    /// The key's, which may be many: copied only for what needs wide integers.
    weights: &'a [Vec<i32>],
}

impl<'a> Values<'a> {
    /// Evaluates the nodes that the circuit's einsums, products and lookups depend on. `committed` holds
    /// the committed nodes, `weights` the others that are given, `ids` what gathers read.
    /// Arithmetic wraps: an honest witness never comes near 2^63, and another one proves nothing.
    pub fn new(
        circuit: &Circuit,
        committed: Vec<Vec<i64>>,
        weights: &'a [Vec<i32>],
        ids: &Ids,
    ) -> Self {
        let factors = circuit.product.iter().flat_map(|p| p.factors.clone());
        let lookups = circuit.lookup.iter().flat_map(|l| [l.input, l.output]);
        let wide: Vec<usize> = factors.chain(lookups).collect();
        let mut needed = vec![false; circuit.nodes.len()];
        wide.iter().for_each(|node| needed[*node] = true);
        for node in &circuit.nodes {
            if let Kind::Einsum { left, right, .. } = &node.kind {
                (needed[*left], needed[*right]) = (true, true);
            }
        }
        for index in (0..circuit.nodes.len()).rev() {
            if !needed[index] {
                continue;
            }
            match &circuit.nodes[index].kind {
                Kind::Weight { .. } | Kind::Committed { .. } | Kind::Einsum { .. } => {}
                Kind::View { source, .. }
                | Kind::Reshape { source, .. }
                | Kind::Gather { source, .. } => needed[*source] = true,
                Kind::Linear { terms, .. } => terms.iter().for_each(|(_, s)| needed[*s] = true),
            }
        }
        let mut out = Self {
            nodes: committed,
            weights,
        };
        for (index, needed) in needed.into_iter().enumerate() {
            if needed && out.nodes[index].is_empty() {
                out.nodes[index] = out.evaluate(circuit, index, ids);
            }
        }
        for node in wide {
            if out.nodes[node].is_empty() {
                out.nodes[node] = out.wide(node).into_owned();
            }
        }
        out
    }

    /// The values of a node that a product or a lookup reads, or that is committed.
    pub fn node(&self, index: usize) -> &[i64] {
        self.nodes.get(index).map_or(&[], Vec::as_slice)
    }

    /// The values of a node that an einsum reads.
    pub fn integers(&self, index: usize) -> Integers<'_> {
        match self.node(index) {
            [] => Integers::Small(self.weights.get(index).map_or(&[], Vec::as_slice)),
            wide => Integers::Wide(wide),
        }
    }

    fn wide(&self, index: usize) -> Cow<'_, [i64]> {
        match self.integers(index) {
            Integers::Small(values) => values.iter().map(|v| i64::from(*v)).collect(),
            Integers::Wide(values) => values.into(),
        }
    }

    fn evaluate(&self, circuit: &Circuit, index: usize, ids_of: &Ids) -> Vec<i64> {
        let node = &circuit.nodes[index];
        match &node.kind {
            Kind::View { source, axes, .. } => {
                view(&self.wide(*source), circuit.dims(*source), axes, &node.dims)
            }
            Kind::Reshape { source, .. } => self.wide(*source).into_owned(),
            Kind::Gather { source, ids } => {
                let row: usize = circuit.dims(*source)[1..].iter().product();
                let mut out = Vec::with_capacity(node.dims.iter().product());
                for id in ids_of.get(ids).into_iter().flatten() {
                    let at = id * row;
                    match self.integers(*source) {
                        Integers::Small(all) => {
                            out.extend(all[at..at + row].iter().map(|v| i64::from(*v)));
                        }
                        Integers::Wide(all) => out.extend_from_slice(&all[at..at + row]),
                    }
                }
                out
            }
            Kind::Linear { terms, offset, .. } => {
                let mut out = vec![*offset; node.dims.iter().product()];
                for (coefficient, source) in terms {
                    let values = self.wide(*source);
                    for chunk in out.chunks_mut(values.len().max(1)) {
                        for (o, v) in chunk.iter_mut().zip(&*values) {
                            *o = o.wrapping_add(coefficient.wrapping_mul(*v));
                        }
                    }
                }
                out
            }
            Kind::Weight { .. } | Kind::Committed { .. } | Kind::Einsum { .. } => Vec::new(),
        }
    }
}

/// `out[t] = source[maps(t)]`, zero outside.
fn view(values: &[i64], source: &[usize], maps: &[Map], target: &[usize]) -> Vec<i64> {
    let strides = strides(source);
    // for each target axis: the source axis that reads it, and how
    let mut reader: Vec<Option<usize>> = vec![None; target.len()];
    for (s, map) in maps.iter().enumerate() {
        map.axes().into_iter().for_each(|a| reader[a] = Some(s));
    }
    // exact, as in the verifier: a partial sum may leave 64 bits and the index still lie inside
    let step = |s: usize, axis: usize, i: usize| -> i128 {
        match &maps[s] {
            Map::Affine { terms, .. } => terms
                .iter()
                .find(|t| t.0 == axis)
                .map_or(0, |t| i128::from(t.1) * i as i128),
            Map::Indices { indices, .. } => indices[i] as i128,
        }
    };
    let (last, outer) = match target.split_last() {
        Some((last, outer)) => (*last, outer),
        None => (1, target),
    };
    let rows: usize = outer.iter().product();
    let mut out = vec![0i64; rows * last];
    out.par_chunks_mut(last)
        .with_min_len(1 << 8)
        .enumerate()
        .for_each(|(row, out)| {
            let mut at: Vec<i128> = maps
                .iter()
                .map(|m| match m {
                    Map::Affine { offset, .. } => i128::from(*offset),
                    Map::Indices { .. } => 0,
                })
                .collect();
            let mut rest = row;
            for (axis, d) in outer.iter().enumerate().rev() {
                let i = rest % d;
                rest /= d;
                if let Some(s) = reader[axis] {
                    at[s] += step(s, axis, i);
                }
            }
            let inner = if target.is_empty() {
                None
            } else {
                reader[target.len() - 1]
            };
            let mut base = 0usize;
            for (s, i) in at.iter().enumerate() {
                if Some(s) == inner {
                    continue;
                }
                match usize::try_from(*i) {
                    Ok(i) if i < source[s] => base += i * strides[s],
                    _ => return, // this row lies outside
                }
            }
            match inner {
                None => out.fill(values[base]),
                Some(s) => {
                    for (i, o) in out.iter_mut().enumerate() {
                        let index = at[s] + step(s, target.len() - 1, i);
                        if let Ok(index) = usize::try_from(index) {
                            if index < source[s] {
                                *o = values[base + index * strides[s]];
                            }
                        }
                    }
                }
            }
        });
    out
}
