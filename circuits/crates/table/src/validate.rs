//! Reading a table: every rule of the specification, before anything else looks at it.

use crate::error::TableError;
use crate::json;
use crate::limits::{
    LOG_COLUMNS, MAX_AXES, MAX_BYTES, MAX_ELEMENTS, MAX_ENTRIES, MAX_ENTRY, MAX_FACTORS,
    MAX_INTEGER, MAX_LINKED_BITS, MAX_NODES, MAX_PUBLIC_BITS, MAX_TABLES, MAX_TENSORS,
    MIN_HIDING_LOG_COLUMNS,
};
use crate::node::{Circuit, Kind, Map, Node};
use crate::words::moved_from;
use std::collections::BTreeSet;
use verifai_lookup::MAX_BITS;

type Check = Result<(), &'static str>;

fn require(condition: bool, rule: &'static str) -> Check {
    if condition {
        Ok(())
    } else {
        Err(rule)
    }
}

/// Reads and checks a table.
pub fn read(bytes: &[u8]) -> Result<Circuit, TableError> {
    if bytes.len() > MAX_BYTES {
        return Err(TableError::Json(format!("more than {MAX_BYTES} bytes")));
    }
    let table = json::Table::read(bytes)?;
    require(table.version == 2, "this version reads tables of version 2")?;
    let within = LOG_COLUMNS.contains(&table.log_columns);
    require(within, "log_columns is out of its bounds")?;
    require(table.nodes.len() <= MAX_NODES, "too many nodes")?;
    let said = table.hiding != Some(false);
    require(said, "a table that does not hide does not say so")?;
    let wide = table.hiding.is_none() || table.log_columns >= MIN_HIDING_LOG_COLUMNS;
    require(wide, "hiding needs rows of 2^7 entries")?;
    let mut circuit = Circuit {
        nodes: Vec::with_capacity(table.nodes.len()),
        tables: table.tables,
        zero: table.zero,
        product: table.product,
        lookup: table.lookup,
        public: Vec::new(),
        linked: Vec::new(),
        log_columns: table.log_columns,
        hiding: table.hiding.is_some(),
    };
    for (index, kind) in table.nodes.into_iter().enumerate() {
        let node = node_of(&circuit, kind).map_err(|rule| TableError::Node { index, rule })?;
        circuit.nodes.push(node);
    }
    constraints(&circuit)?;
    let is_public = |tensor: &&json::Tensor| tensor.visibility == json::Visibility::Public;
    let inputs: BTreeSet<usize> = table
        .inputs
        .iter()
        .filter(is_public)
        .map(|t| t.node)
        .collect();
    tensors(&mut circuit, [table.inputs, table.outputs])?;
    for (index, node) in circuit.nodes.iter().enumerate() {
        let rule = "ids are a public input";
        match &node.kind {
            Kind::Gather { ids, .. } if !inputs.contains(&moved_from(&circuit, *ids)) => {
                return Err(TableError::Node { index, rule });
            }
            _ => {}
        }
    }
    Ok(circuit)
}

/// The number of elements of a tensor.
fn elements(shape: &[usize]) -> Result<usize, &'static str> {
    require(shape.len() <= MAX_AXES, "too many axes")?;
    require(shape.iter().all(|d| *d >= 1), "an axis of no entries")?;
    let elements = shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d));
    let few = elements.filter(|n| *n <= MAX_ELEMENTS);
    few.ok_or("too many elements")
}

fn integer(n: i64) -> Check {
    let small = n > -MAX_INTEGER && n < MAX_INTEGER;
    require(small, "an integer of 2^62 or more")
}

fn outer_axes(outer: &[usize], count: usize) -> Check {
    let ordered = outer.windows(2).all(|w| w.first() < w.get(1));
    require(ordered, "outer axes are in ascending order")?;
    let exist = outer.iter().all(|a| *a < count);
    require(exist, "an outer axis that does not exist")
}

fn earlier(circuit: &Circuit, index: usize) -> Result<&Node, &'static str> {
    let node = circuit.node(index);
    node.ok_or("an operand that is no earlier node")
}

/// The node, with what follows from its operands.
fn node_of(circuit: &Circuit, kind: Kind) -> Result<Node, &'static str> {
    let (dims, batched, einsum) = match &kind {
        Kind::Weight { shape, outer } => {
            elements(shape)?;
            outer_axes(outer, shape.len())?;
            (shape.clone(), false, false)
        }
        Kind::Committed {
            batched,
            shape,
            outer,
            offset,
            limbs,
            ..
        } => {
            elements(shape)?;
            outer_axes(outer, shape.len())?;
            integer(*offset)?;
            let widths = limbs.iter().all(|b| (1..=MAX_BITS).contains(b));
            let small = widths && limbs.iter().sum::<u32>() <= 62;
            require(small, "limbs have 1 to 8 bits, 62 in all")?;
            (shape.clone(), *batched, false)
        }
        Kind::View {
            source,
            shape,
            axes,
        } => {
            elements(shape)?;
            let from = earlier(circuit, *source)?;
            view(axes, &from.dims, shape)?;
            (shape.clone(), from.batched, from.einsum)
        }
        Kind::Reshape { source, shape } => {
            let count = elements(shape)?;
            let from = earlier(circuit, *source)?;
            let same = from.dims.iter().product::<usize>() == count;
            require(same, "a reshape keeps the number of elements")?;
            require(!from.einsum, "an einsum is not reshaped")?;
            (shape.clone(), from.batched, false)
        }
        Kind::Linear {
            shape,
            terms,
            offset,
        } => {
            elements(shape)?;
            integer(*offset)?;
            let (mut batched, mut einsum) = (false, false);
            for (coefficient, source) in terms {
                integer(*coefficient)?;
                let operand = earlier(circuit, *source)?;
                require(operand.dims == *shape, "operands have the node's shape")?;
                batched |= operand.batched;
                einsum |= operand.einsum;
            }
            (shape.clone(), batched, einsum)
        }
        Kind::Einsum {
            left,
            right,
            labels,
        } => {
            let (a, b) = (earlier(circuit, *left)?, earlier(circuit, *right)?);
            (einsum(a, b, labels)?, a.batched || b.batched, true)
        }
        Kind::Gather { source, ids } => {
            let (table, places) = (earlier(circuit, *source)?, earlier(circuit, *ids)?);
            ids_of(circuit, *ids)?;
            (gather(table, places)?, places.batched, false)
        }
    };
    Ok(Node {
        kind,
        dims,
        batched,
        einsum,
    })
}

fn view(maps: &[Map], source: &[usize], target: &[usize]) -> Check {
    let each = maps.len() == source.len();
    require(each, "a view has one map per source axis")?;
    let mut used = BTreeSet::new();
    for (map, length) in maps.iter().zip(source) {
        match map {
            Map::Affine { offset, terms } => {
                integer(*offset)?;
                for (_, coefficient) in terms {
                    integer(*coefficient)?;
                    require(*coefficient != 0, "coefficients of a view are not zero")?;
                }
            }
            Map::Indices { axis, indices } => {
                let within = indices.iter().all(|i| i < length);
                require(within, "an index outside the source")?;
                let long = target.get(*axis).is_some_and(|d| *d == indices.len());
                require(long, "as many indices as the target axis is long")?;
            }
        }
        for axis in map.axes() {
            require(axis < target.len(), "a target axis that does not exist")?;
            let first = used.insert(axis);
            require(first, "a target axis belongs to one map at most")?;
        }
    }
    Ok(())
}

/// The shape of an einsum.
fn einsum(left: &Node, right: &Node, labels: &[String; 3]) -> Result<Vec<usize>, &'static str> {
    let linear = !left.einsum && !right.einsum;
    require(linear, "operands of an einsum contain no einsum")?;
    for letters in labels {
        let lower = letters.bytes().all(|l| l.is_ascii_lowercase());
        require(lower, "labels are lower-case letters")?;
        let distinct: BTreeSet<u8> = letters.bytes().collect();
        let once = distinct.len() == letters.len();
        require(once, "a letter comes once in each label")?;
    }
    let [l, r, o] = labels;
    let each = l.len() == left.dims.len() && r.len() == right.dims.len();
    require(each, "one letter per axis")?;
    let size = |letters: &str, node: &Node, letter| {
        let axis = letters.find(letter)?;
        node.dims.get(axis).copied()
    };
    let sizes = |letter: char| (size(l, left, letter), size(r, right, letter));
    for letter in l.chars().chain(r.chars()) {
        match sizes(letter) {
            (Some(x), Some(y)) => require(x == y, "axes of one letter have one length")?,
            _ => require(
                o.contains(letter),
                "a letter of one operand is in the output",
            )?,
        }
    }
    let length = |letter| {
        let (x, y) = sizes(letter);
        x.or(y).ok_or("a letter of the output is in an operand")
    };
    let dims = o.chars().map(length).collect::<Result<Vec<_>, _>>()?;
    elements(&dims)?;
    Ok(dims)
}

/// What ids are: a committed node, moved by reshapes and by views that read nothing outside.
fn ids_of(circuit: &Circuit, mut index: usize) -> Check {
    loop {
        let node = earlier(circuit, index)?;
        match &node.kind {
            Kind::Committed { offset: 0, .. } => return Ok(()),
            Kind::Reshape { source, .. } => index = *source,
            Kind::View { source, axes, .. } => {
                let lengths = &earlier(circuit, *source)?.dims;
                let within = axes
                    .iter()
                    .zip(lengths)
                    .all(|(m, d)| within(m, *d, &node.dims));
                require(within, "a view of ids reads outside of them")?;
                index = *source;
            }
            _ => return Err("ids are committed at the offset 0"),
        }
    }
}

/// Whether a map reads nothing outside of its source axis. Integers are small enough to be exact.
fn within(map: &Map, length: usize, target: &[usize]) -> bool {
    let Map::Affine { offset, terms } = map else {
        return true; // a rule of views
    };
    let (mut low, mut high) = (i128::from(*offset), i128::from(*offset));
    for (axis, coefficient) in terms {
        let last = target.get(*axis).copied().unwrap_or(1).saturating_sub(1);
        let last = i128::try_from(last).unwrap_or(i128::MAX);
        let reach = i128::from(*coefficient).saturating_mul(last);
        low = low.saturating_add(reach.min(0));
        high = high.saturating_add(reach.max(0));
    }
    low >= 0 && i128::try_from(length).is_ok_and(|length| high < length)
}

/// The shape of a gather.
fn gather(table: &Node, places: &Node) -> Result<Vec<usize>, &'static str> {
    let is_weight = matches!(table.kind, Kind::Weight { .. });
    require(is_weight, "the source of a gather is a weight")?;
    let (_, rest) = table.dims.split_first().ok_or("a gather needs an axis")?;
    let mut dims = places.dims.clone();
    dims.extend_from_slice(rest);
    elements(&dims)?;
    Ok(dims)
}

fn constraints(circuit: &Circuit) -> Check {
    let tables = &circuit.tables;
    require(tables.len() <= MAX_TABLES, "too many lookup tables")?;
    for table in tables {
        integer(table.first)?;
        let filled = (1..=MAX_ENTRIES).contains(&table.outputs.len());
        require(filled, "a lookup table of too few or many entries")?;
        let most = MAX_ENTRY.unsigned_abs();
        let small = table.outputs.iter().all(|v| v.unsigned_abs() < most);
        require(small, "an entry of a lookup table of 2^31 or more")?;
    }
    require(circuit.zero.len() <= MAX_NODES, "too many zero constraints")?;
    for node in &circuit.zero {
        earlier(circuit, *node)?;
    }
    let few = circuit.product.len() <= MAX_NODES && circuit.lookup.len() <= MAX_NODES;
    require(few, "too many constraints")?;
    for product in &circuit.product {
        let count = (2..=MAX_FACTORS).contains(&product.factors.len());
        require(count, "a product has 2 to 5 factors")?;
        let first = product.factors.first().copied().unwrap_or_default();
        let first = earlier(circuit, first)?;
        outer_axes(&product.outer, first.dims.len())?;
        for factor in &product.factors {
            let factor = earlier(circuit, *factor)?;
            require(!factor.einsum, "a factor contains no einsum")?;
            let same = factor.dims == first.dims && factor.batched == first.batched;
            require(same, "factors have one shape")?;
        }
    }
    for lookup in &circuit.lookup {
        let exists = lookup.table < tables.len();
        require(exists, "a lookup table that does not exist")?;
        let (x, y) = (
            earlier(circuit, lookup.input)?,
            earlier(circuit, lookup.output)?,
        );
        require(!x.einsum && !y.einsum, "a lookup contains no einsum")?;
        let same = x.dims == y.dims && x.batched == y.batched;
        require(same, "input and output have one shape")?;
        outer_axes(&lookup.outer, x.dims.len())?;
    }
    Ok(())
}

/// The model's inputs and outputs: which of them are public, and which have commitments.
fn tensors(circuit: &mut Circuit, ends: [Vec<json::Tensor>; 2]) -> Check {
    let mut seen = BTreeSet::new();
    let few = ends.iter().all(|e| e.len() <= MAX_TENSORS);
    require(few, "too many inputs or outputs")?;
    for tensor in ends.into_iter().flatten() {
        let count = elements(&tensor.shape)?;
        let first = seen.insert(tensor.node);
        require(first, "a node is one input or output at most")?;
        let node = earlier(circuit, tensor.node)?;
        let Kind::Committed { limbs, .. } = &node.kind else {
            return Err("an input or output is committed");
        };
        let same = node.dims.iter().product::<usize>() == count;
        require(same, "an input or output has the elements of its node")?;
        let bits: u32 = limbs.iter().sum();
        match tensor.visibility {
            json::Visibility::Private => {}
            json::Visibility::Public => {
                let shown = (1..=MAX_PUBLIC_BITS).contains(&bits);
                require(shown, "a public tensor has 1 to 32 bits")?;
                circuit.public.push(tensor.node);
            }
            json::Visibility::Committed => {
                let linked = (1..=MAX_LINKED_BITS).contains(&bits);
                require(linked, "a committed tensor has 1 to 16 bits")?;
                require(circuit.hiding, "a committed tensor needs hiding")?;
                circuit.linked.push(tensor.node);
            }
        }
    }
    Ok(())
}
