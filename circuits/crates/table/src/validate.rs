//! Reading a table: every rule of the specification, before anything else looks at it.

use crate::error::TableError;
use crate::json;
use crate::limits::{
    LOG_COLUMNS, MAX_AXES, MAX_BYTES, MAX_ELEMENTS, MAX_ENTRIES, MAX_ENTRY, MAX_FACTORS,
    MAX_INTEGER, MAX_NODES, MAX_PUBLIC_BITS, MAX_TABLES, MAX_TENSORS, MIN_HIDING_LOG_COLUMNS,
};
use crate::node::{Circuit, Custom, Kind, Lookup, Map, Node, Product};
use crate::region::Region;
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
    require(table.version == 2, "this version reads tables of version 2")
        .map_err(TableError::Rule)?;
    let within = LOG_COLUMNS.contains(&table.log_columns);
    require(within, "log_columns is out of its bounds").map_err(TableError::Rule)?;
    require(table.nodes.len() <= MAX_NODES, "too many nodes").map_err(TableError::Rule)?;
    require(
        table.hiding != Some(false),
        "a table that does not hide does not say so",
    )
    .map_err(TableError::Rule)?;
    let wide = table.hiding.is_none() || table.log_columns >= MIN_HIDING_LOG_COLUMNS;
    require(wide, "hiding needs rows of 2^7 entries").map_err(TableError::Rule)?;
    let mut circuit = Circuit {
        nodes: Vec::with_capacity(table.nodes.len()),
        tables: Vec::new(),
        zero: table.zero,
        product: Vec::new(),
        lookup: Vec::new(),
        public: Vec::new(),
        linked: Vec::new(),
        log_columns: table.log_columns,
        hiding: table.hiding.is_some(),
    };
    for (index, node) in table.nodes.into_iter().enumerate() {
        let node = node_of(&circuit, node).map_err(|rule| TableError::Node { index, rule })?;
        circuit.nodes.push(node);
    }
    constraints(&mut circuit, table.tables, table.product, table.lookup)
        .map_err(TableError::Rule)?;
    tensors(&mut circuit, [table.inputs, table.outputs]).map_err(TableError::Rule)?;
    Ok(circuit)
}

fn shape(dims: &[usize]) -> Check {
    require(dims.len() <= MAX_AXES, "too many axes")?;
    require(dims.iter().all(|d| *d >= 1), "an axis of no entries")?;
    let elements = dims.iter().try_fold(1usize, |n, d| n.checked_mul(*d));
    require(
        elements.is_some_and(|n| n <= MAX_ELEMENTS),
        "too many elements",
    )
}

fn integer(n: i64) -> Check {
    let small = n > -MAX_INTEGER && n < MAX_INTEGER;
    require(small, "an integer of 2^62 or more")
}

fn axes(outer: &[usize], count: usize) -> Check {
    let ordered = outer.windows(2).all(|w| w.first() < w.get(1));
    require(ordered, "outer axes are in ascending order")?;
    require(
        outer.iter().all(|a| *a < count),
        "an outer axis that does not exist",
    )
}

fn earlier(circuit: &Circuit, index: usize) -> Result<&Node, &'static str> {
    circuit
        .node(index)
        .ok_or("an operand that is no earlier node")
}

fn node_of(circuit: &Circuit, node: json::Node) -> Result<Node, &'static str> {
    match node {
        json::Node::Weight { shape: dims, outer } => {
            shape(&dims)?;
            axes(&outer, dims.len())?;
            Ok(Node {
                kind: Kind::Weight { outer },
                dims,
                batched: false,
                einsum: false,
            })
        }
        json::Node::Committed {
            region,
            batched,
            shape: dims,
            outer,
            offset,
            limbs,
        } => {
            shape(&dims)?;
            axes(&outer, dims.len())?;
            integer(offset)?;
            let widths = limbs.iter().all(|b| (1..=MAX_BITS).contains(b));
            require(
                widths && limbs.iter().sum::<u32>() <= 62,
                "limbs have 1 to 8 bits, 62 in all",
            )?;
            let region = match region {
                json::Region::Input => Region::Input,
                json::Region::Output => Region::Output,
                json::Region::Witness => Region::Witness,
            };
            let kind = Kind::Committed {
                region,
                outer,
                offset,
                limbs,
            };
            Ok(Node {
                kind,
                dims,
                batched,
                einsum: false,
            })
        }
        json::Node::View {
            source,
            shape: dims,
            axes: maps,
        } => view(circuit, source, dims, maps),
        json::Node::Reshape {
            source,
            shape: dims,
        } => {
            shape(&dims)?;
            let from = earlier(circuit, source)?;
            let same = from.dims.iter().product::<usize>() == dims.iter().product::<usize>();
            require(same, "a reshape keeps the number of elements")?;
            require(!from.einsum, "an einsum is not reshaped")?;
            let kind = Kind::Reshape { source };
            Ok(Node {
                kind,
                dims,
                batched: from.batched,
                einsum: false,
            })
        }
        json::Node::Linear {
            shape: dims,
            terms,
            offset,
        } => {
            shape(&dims)?;
            integer(offset)?;
            let (mut batched, mut einsum) = (false, false);
            for (coefficient, source) in &terms {
                integer(*coefficient)?;
                let operand = earlier(circuit, *source)?;
                require(operand.dims == dims, "operands have the node's shape")?;
                batched |= operand.batched;
                einsum |= operand.einsum;
            }
            let kind = Kind::Linear { terms, offset };
            Ok(Node {
                kind,
                dims,
                batched,
                einsum,
            })
        }
        json::Node::Einsum {
            left,
            right,
            labels,
        } => einsum(circuit, left, right, labels),
    }
}

fn view(
    circuit: &Circuit,
    source: usize,
    dims: Vec<usize>,
    maps: Vec<json::Map>,
) -> Result<Node, &'static str> {
    shape(&dims)?;
    let from = earlier(circuit, source)?;
    require(
        maps.len() == from.dims.len(),
        "a view has one map per source axis",
    )?;
    let mut used = BTreeSet::new();
    let mut axes = Vec::with_capacity(maps.len());
    for (map, length) in maps.into_iter().zip(&from.dims) {
        let map = match map {
            json::Map::Affine(json::Affine { offset, terms }) => {
                integer(offset)?;
                for (_, coefficient) in &terms {
                    integer(*coefficient)?;
                    require(*coefficient != 0, "coefficients of a view are not zero")?;
                }
                Map::Affine { offset, terms }
            }
            json::Map::Indices(json::Indices { axis, indices }) => {
                require(
                    indices.iter().all(|i| i < length),
                    "an index outside the source",
                )?;
                let long = dims.get(axis).is_some_and(|d| *d == indices.len());
                require(long, "as many indices as the target axis is long")?;
                Map::Indices { axis, indices }
            }
        };
        for axis in map.axes() {
            require(axis < dims.len(), "a target axis that does not exist")?;
            require(
                used.insert(axis),
                "a target axis belongs to one map at most",
            )?;
        }
        axes.push(map);
    }
    let (batched, einsum) = (from.batched, from.einsum);
    Ok(Node {
        kind: Kind::View { source, axes },
        dims,
        batched,
        einsum,
    })
}

fn einsum(
    circuit: &Circuit,
    left: usize,
    right: usize,
    labels: [String; 3],
) -> Result<Node, &'static str> {
    let (a, b) = (earlier(circuit, left)?, earlier(circuit, right)?);
    require(
        !a.einsum && !b.einsum,
        "operands of an einsum contain no einsum",
    )?;
    let labels = labels.map(String::into_bytes);
    let [l, r, o] = &labels;
    for letters in &labels {
        let lower = letters.iter().all(u8::is_ascii_lowercase);
        require(lower, "labels are lower-case letters")?;
        let distinct: BTreeSet<&u8> = letters.iter().collect();
        require(
            distinct.len() == letters.len(),
            "a letter comes once in each label",
        )?;
    }
    require(
        l.len() == a.dims.len() && r.len() == b.dims.len(),
        "one letter per axis",
    )?;
    let size = |letters: &[u8], dims: &[usize], letter: &u8| {
        let pairs = letters.iter().zip(dims);
        pairs.filter(|(l, _)| *l == letter).map(|(_, d)| *d).next()
    };
    for letter in l.iter().chain(r) {
        match (size(l, &a.dims, letter), size(r, &b.dims, letter)) {
            (Some(x), Some(y)) => require(x == y, "axes of one letter have one length")?,
            _ => require(
                o.contains(letter),
                "a letter of one operand is in the output",
            )?,
        }
    }
    let mut dims = Vec::with_capacity(o.len());
    for letter in o {
        let d = size(l, &a.dims, letter).or_else(|| size(r, &b.dims, letter));
        dims.push(d.ok_or("a letter of the output is in an operand")?);
    }
    shape(&dims)?;
    let batched = a.batched || b.batched;
    Ok(Node {
        kind: Kind::Einsum {
            left,
            right,
            labels,
        },
        dims,
        batched,
        einsum: true,
    })
}

fn constraints(
    circuit: &mut Circuit,
    tables: Vec<json::Custom>,
    products: Vec<json::Product>,
    lookups: Vec<json::Lookup>,
) -> Check {
    require(tables.len() <= MAX_TABLES, "too many lookup tables")?;
    for table in tables {
        integer(table.first)?;
        require(
            (1..=MAX_ENTRIES).contains(&table.outputs.len()),
            "a lookup table of too few or many entries",
        )?;
        let small = table
            .outputs
            .iter()
            .all(|v| v.unsigned_abs() < MAX_ENTRY.unsigned_abs());
        require(small, "an entry of a lookup table of 2^31 or more")?;
        circuit.tables.push(Custom {
            first: table.first,
            outputs: table.outputs,
        });
    }
    require(circuit.zero.len() <= MAX_NODES, "too many zero constraints")?;
    for node in &circuit.zero {
        earlier(circuit, *node)?;
    }
    require(
        products.len() <= MAX_NODES && lookups.len() <= MAX_NODES,
        "too many constraints",
    )?;
    let mut product = Vec::with_capacity(products.len());
    for json::Product { factors, outer } in products {
        require(
            (2..=MAX_FACTORS).contains(&factors.len()),
            "a product has 2 to 5 factors",
        )?;
        let first = factors.first().copied().unwrap_or_default();
        let first = earlier(circuit, first)?;
        axes(&outer, first.dims.len())?;
        for factor in &factors {
            let factor = earlier(circuit, *factor)?;
            require(!factor.einsum, "a factor contains no einsum")?;
            let same = factor.dims == first.dims && factor.batched == first.batched;
            require(same, "factors have one shape")?;
        }
        product.push(Product { factors, outer });
    }
    let mut lookup = Vec::with_capacity(lookups.len());
    for json::Lookup {
        table,
        input,
        output,
        outer,
    } in lookups
    {
        require(
            table < circuit.tables.len(),
            "a lookup table that does not exist",
        )?;
        let (x, y) = (earlier(circuit, input)?, earlier(circuit, output)?);
        require(!x.einsum && !y.einsum, "a lookup contains no einsum")?;
        require(
            x.dims == y.dims && x.batched == y.batched,
            "input and output have one shape",
        )?;
        axes(&outer, x.dims.len())?;
        lookup.push(Lookup {
            table,
            input,
            output,
            outer,
        });
    }
    circuit.product = product;
    circuit.lookup = lookup;
    Ok(())
}

/// The model's inputs and outputs: which of them are public, and which have commitments.
fn tensors(circuit: &mut Circuit, ends: [Vec<json::Tensor>; 2]) -> Check {
    let mut seen = BTreeSet::new();
    let few = ends.iter().all(|e| e.len() <= MAX_TENSORS);
    require(few, "too many inputs or outputs")?;
    for tensor in ends.into_iter().flatten() {
        shape(&tensor.shape)?;
        require(
            seen.insert(tensor.node),
            "a node is one input or output at most",
        )?;
        let node = earlier(circuit, tensor.node)?;
        let Kind::Committed { limbs, .. } = &node.kind else {
            return Err("an input or output is committed");
        };
        let same = node.dims.iter().product::<usize>() == tensor.shape.iter().product::<usize>();
        require(same, "an input or output has the elements of its node")?;
        let shown = (1..=MAX_PUBLIC_BITS).contains(&limbs.iter().sum());
        match tensor.visibility {
            json::Visibility::Private => {}
            json::Visibility::Public => {
                require(shown, "a public tensor has 1 to 16 bits")?;
                circuit.public.push(tensor.node);
            }
            json::Visibility::Committed => {
                require(shown, "a committed tensor has 1 to 16 bits")?;
                require(circuit.hiding, "a committed tensor needs hiding")?;
                circuit.linked.push(tensor.node);
            }
        }
    }
    Ok(())
}
