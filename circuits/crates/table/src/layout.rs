//! The address space: blocks, lookup groups, the cube of the zerocheck.

use crate::error::TableError;
use crate::limits::{MAX_BATCH_ELEMENTS, MAX_TERMS, MAX_VARIABLES};
use crate::node::{Circuit, Kind, Product};
use crate::region::Region;
use crate::tiles::{pack, Tile};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use verifai_lookup::{BLOCK, GROUP, RELATION_DEGREE};
use verifai_poly::{cube_size, variables};

/// Entries of a triple: a, b, ab and a', b', a'b'.
pub const TRIPLE: usize = 6;

/// A tile with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its region.
    pub region: Region,
    /// Its shape.
    pub shape: Tile,
    /// Its first address.
    pub base: usize,
}

/// Which table a lookup is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// The range table of so many bits.
    Range(u32),
    /// A custom table.
    Custom(usize),
}

impl Table {
    /// Its tag: range tables 1 to 8, custom tables from 16.
    pub fn tag(self) -> i64 {
        match self {
            Self::Range(bits) => i64::from(bits),
            Self::Custom(index) => i64::try_from(index).unwrap_or(i64::MAX).saturating_add(16),
        }
    }
}

/// What a lookup looks up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// A block of limbs.
    Limb {
        /// The block.
        block: usize,
        /// Its width.
        bits: u32,
    },
    /// Input and output nodes in a custom table.
    Pair {
        /// The table.
        table: usize,
        /// The input node.
        input: usize,
        /// The output node.
        output: usize,
    },
}

impl Column {
    /// Its table.
    pub fn table(&self) -> Table {
        match self {
            Self::Limb { bits, .. } => Table::Range(*bits),
            Self::Pair { table, .. } => Table::Custom(*table),
        }
    }
}

/// At most four lookups of one shape, which share a helper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookupGroup {
    /// The lookups.
    pub columns: Vec<Column>,
    /// The block of the helper.
    pub helper: usize,
    /// First position in the cube.
    pub base: usize,
}

/// A product in the cube.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedProduct {
    /// The factors.
    pub factors: Vec<usize>,
    /// Its tile.
    pub shape: Tile,
    /// First position in the cube.
    pub base: usize,
}

/// Where the randomness of a hiding proof lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hiding {
    /// One entry for each column of the zerocheck.
    pub slots: usize,
    /// Six entries for each contraction, if there are any.
    pub triples: Option<usize>,
    /// One entry for each value of a round of zerocheck and contractions.
    pub pads: usize,
    /// How many.
    pub pad_count: usize,
    /// The uniform row.
    pub mask: usize,
    /// The position of the slots in the cube.
    pub position: usize,
}

/// A circuit that is expanded for its batch, and its layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The circuit.
    pub circuit: Circuit,
    /// All blocks.
    pub blocks: Vec<Block>,
    /// The blocks of each node: limbs, hint or weight; empty for what is virtual.
    pub node_blocks: Vec<Vec<usize>>,
    /// Multiplicities: of the range tables, then of each custom table.
    pub counts: Vec<usize>,
    /// hT: of the range tables, then of each custom table.
    pub table_helpers: Vec<usize>,
    /// Lookup groups.
    pub groups: Vec<LookupGroup>,
    /// Products.
    pub products: Vec<PlacedProduct>,
    /// Variables of the cube.
    pub cube: usize,
    /// Rows of each region that has blocks.
    pub rows: BTreeMap<Region, Range<usize>>,
    /// Variables of the address space.
    pub variables: usize,
    /// Column variables.
    pub log_columns: usize,
    /// Widths of the range tables that are used, as bits of a number.
    pub widths: u32,
    /// Variables of each contraction, in the order of the protocol.
    pub contractions: Vec<usize>,
    /// The randomness of a hiding proof.
    pub hiding: Option<Hiding>,
}

impl Layout {
    /// The layout of a circuit for a batch.
    pub fn new(circuit: &Circuit, batch: usize) -> Result<Self, TableError> {
        let circuit = circuit.expand(batch);
        let mut builder = Builder::default();
        let mut node_blocks = vec![Vec::new(); circuit.nodes.len()];
        for (index, (node, out)) in circuit.nodes.iter().zip(&mut node_blocks).enumerate() {
            let elements = node.dims.iter().try_fold(1usize, |n, d| n.checked_mul(*d));
            if elements.is_none_or(|n| n > MAX_BATCH_ELEMENTS) {
                return Err(TableError::Rule("a batch of too many elements"));
            }
            match &node.kind {
                Kind::Weight { outer, .. } => {
                    out.push(builder.block(Region::Weight, Tile::new(&node.dims, outer)));
                }
                Kind::Committed {
                    region,
                    outer,
                    limbs,
                    ..
                } => {
                    let linked = circuit.linked.iter().position(|n| *n == index);
                    let region = linked.map_or(*region, Region::Linked);
                    for _ in 0..limbs.len().max(1) {
                        out.push(builder.block(region, Tile::new(&node.dims, outer)));
                    }
                }
                _ => {}
            }
        }
        let custom = circuit.tables.iter().map(|t| t.outputs.len());
        let entries: Vec<usize> = std::iter::once(BLOCK).chain(custom).collect();
        let counts = builder.lines(Region::Witness, &entries);

        let contractions = contractions(&circuit)?;
        let slots = circuit.hiding.then(|| {
            let columns = columns(circuit.product.is_empty());
            builder.block(Region::Witness, Tile::line(columns))
        });
        let triples = (circuit.hiding && !contractions.is_empty()).then(|| {
            let entries = contractions.len().saturating_mul(TRIPLE);
            builder.block(Region::Witness, Tile::line(entries))
        });

        let (mut groups, widths) = groups(&circuit, &node_blocks, &mut builder);
        let table_helpers = builder.lines(Region::Helper, &entries);

        let blocks = &builder.blocks;
        let tiles = groups
            .iter_mut()
            .filter_map(|g| Some((&blocks.get(g.helper)?.shape, &mut g.base)));
        let lookups_end = pack(tiles, 0);
        let place = |p: &Product| PlacedProduct {
            factors: p.factors.clone(),
            shape: Tile::new(
                circuit.dims(p.factors.first().copied().unwrap_or_default()),
                &p.outer,
            ),
            base: 0,
        };
        let mut products: Vec<PlacedProduct> = circuit.product.iter().map(place).collect();
        let products_end = pack(products.iter_mut().map(|p| (&p.shape, &mut p.base)), 0);
        let position = lookups_end.max(products_end);
        let cube_end = position.saturating_add(usize::from(circuit.hiding));
        let cube = variables(cube_end).max(1);
        let hiding = slots.map(|slots| {
            let rounds = contractions.iter().max().copied().unwrap_or(0);
            let zerocheck = cube.saturating_mul(RELATION_DEGREE);
            let pad_count = zerocheck.saturating_add(rounds.saturating_mul(2));
            let columns = cube_size(circuit.log_columns); // at most 2^20
            Hiding {
                slots,
                triples,
                pads: builder.block(Region::Witness, Tile::line(pad_count)),
                pad_count,
                mask: builder.block(Region::Mask, Tile::line(columns)),
                position,
            }
        });

        let (rows, end) = builder.place(cube_size(circuit.log_columns));
        let variables = variables(end).max(circuit.log_columns);
        if variables > MAX_VARIABLES || cube > MAX_VARIABLES {
            return Err(TableError::Rule(
                "the address space has more than 2^32 entries",
            ));
        }
        Ok(Self {
            blocks: builder.blocks,
            node_blocks,
            counts,
            table_helpers,
            groups,
            products,
            cube,
            rows,
            variables,
            log_columns: circuit.log_columns,
            widths,
            contractions,
            hiding,
            circuit,
        })
    }

    /// The rows of a region.
    pub fn region_rows(&self, region: Region) -> Range<usize> {
        self.rows.get(&region).cloned().unwrap_or(0..0)
    }

    /// The rows of each linked tensor.
    pub fn linked(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let linked = self.rows.range(Region::Linked(0)..Region::Input);
        linked.map(|(_, rows)| rows.clone())
    }

    /// The rows that are committed before the first challenge.
    pub fn stage_1(&self) -> impl Iterator<Item = usize> + '_ {
        let known = self.rows.iter();
        known
            .filter(|(region, _)| !matches!(region, Region::Weight | Region::Helper))
            .flat_map(|(_, rows)| rows.clone())
    }

    /// The blocks of a node.
    pub fn blocks_of(&self, node: usize) -> &[usize] {
        self.node_blocks.get(node).map_or(&[], Vec::as_slice)
    }

    /// The shape of a block.
    pub fn shape(&self, block: usize) -> Option<&Tile> {
        self.blocks.get(block).map(|b| &b.shape)
    }

    /// Row variables.
    pub fn log_rows(&self) -> usize {
        self.variables.saturating_sub(self.log_columns)
    }

    /// Columns of the zerocheck that are sent: factors only if there is a product.
    pub fn columns(&self) -> usize {
        columns(self.products.is_empty())
    }

    /// Rounds of the contractions.
    pub fn contraction_rounds(&self) -> usize {
        self.contractions.iter().max().copied().unwrap_or(0)
    }

    /// Entries of the tail of a hiding proof: one for each value of a round of the last sumcheck.
    pub fn tail(&self) -> usize {
        self.variables.saturating_mul(2)
    }
}

fn columns(no_product: bool) -> usize {
    if no_product {
        GROUP.saturating_add(1)
    } else {
        GROUP.saturating_add(6)
    }
}

/// Variables of the contractions that the zero constraints start, in the order in which pulling back
/// meets them: the structure alone decides.
fn contractions(circuit: &Circuit) -> Result<Vec<usize>, TableError> {
    let mut out = Vec::new();
    let mut steps = 0usize;
    for zero in &circuit.zero {
        let mut stack = vec![*zero];
        while let Some(index) = stack.pop() {
            steps = steps.saturating_add(1);
            if steps > MAX_TERMS {
                return Err(TableError::Rule("a claim of too many terms"));
            }
            let Some(node) = circuit.node(index).filter(|n| n.einsum) else {
                continue;
            };
            match &node.kind {
                Kind::View { source, .. } => stack.push(*source),
                Kind::Linear { terms, .. } => stack.extend(terms.iter().rev().map(|t| t.1)),
                Kind::Einsum {
                    left,
                    labels: [l, r, o],
                    ..
                } => {
                    let cube = l.chars().zip(circuit.dims(*left));
                    // shared axes, and summed axes: those of left that are in right
                    let own =
                        cube.filter(|(letter, _)| r.contains(*letter) || !o.contains(*letter));
                    out.push(own.map(|(_, d)| variables(*d)).sum());
                }
                _ => {}
            }
        }
    }
    Ok(out)
}

fn groups(
    circuit: &Circuit,
    node_blocks: &[Vec<usize>],
    builder: &mut Builder,
) -> (Vec<LookupGroup>, u32) {
    let mut widths = 0u32;
    let mut lookups: Vec<(Tile, Column)> = Vec::new();
    for (node, blocks) in circuit.nodes.iter().zip(node_blocks) {
        if let Kind::Committed { outer, limbs, .. } = &node.kind {
            for (bits, block) in limbs.iter().zip(blocks) {
                widths |= 1u32.checked_shl(*bits).unwrap_or(0);
                let column = Column::Limb {
                    block: *block,
                    bits: *bits,
                };
                lookups.push((Tile::new(&node.dims, outer), column));
            }
        }
    }
    for l in &circuit.lookup {
        let column = Column::Pair {
            table: l.table,
            input: l.input,
            output: l.output,
        };
        lookups.push((Tile::new(circuit.dims(l.input), &l.outer), column));
    }
    let mut cut: Vec<(Tile, Vec<Column>)> = Vec::new();
    let mut open: HashMap<Tile, usize> = HashMap::new();
    for (shape, column) in lookups {
        let place = open.get(&shape).copied();
        match place
            .and_then(|p| cut.get_mut(p))
            .filter(|g| g.1.len() < GROUP)
        {
            Some(group) => group.1.push(column),
            None => {
                open.insert(shape.clone(), cut.len());
                cut.push((shape, vec![column]));
            }
        }
    }
    let groups = cut
        .into_iter()
        .map(|(shape, columns)| LookupGroup {
            columns,
            helper: builder.block(Region::Helper, shape),
            base: 0,
        })
        .collect();
    (groups, widths)
}

#[derive(Default)]
struct Builder {
    blocks: Vec<Block>,
}

impl Builder {
    fn block(&mut self, region: Region, shape: Tile) -> usize {
        self.blocks.push(Block {
            region,
            shape,
            base: 0,
        });
        self.blocks.len().saturating_sub(1)
    }

    fn lines(&mut self, region: Region, lengths: &[usize]) -> Vec<usize> {
        lengths
            .iter()
            .map(|n| self.block(region, Tile::line(*n)))
            .collect()
    }

    /// Places all blocks, each region in whole rows; the rows of each region, and the end.
    fn place(&mut self, columns: usize) -> (BTreeMap<Region, Range<usize>>, usize) {
        let regions: BTreeSet<Region> = self.blocks.iter().map(|b| b.region).collect();
        let mut rows = BTreeMap::new();
        let mut at = 0usize;
        for region in regions {
            let own = || self.blocks.iter().filter(|b| b.region == region);
            let largest = own().map(|b| cube_size(b.shape.inner())).max().unwrap_or(1);
            let start = at
                .checked_next_multiple_of(columns.max(largest))
                .unwrap_or(usize::MAX);
            let own = self.blocks.iter_mut().filter(|b| b.region == region);
            let end = pack(own.map(|b| (&b.shape, &mut b.base)), start);
            at = end.checked_next_multiple_of(columns).unwrap_or(usize::MAX);
            rows.insert(region, start.div_euclid(columns)..at.div_euclid(columns));
        }
        (rows, at)
    }
}
