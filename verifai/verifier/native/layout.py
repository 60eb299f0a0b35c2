"""Where everything lies: tiles, regions, lookup groups, the cube (docs/protocol.md, Layout)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Final

from verifai.errors import LimitError
from verifai.verifier.native.field import PART, T, bits, cut
from verifai.verifier.native.table import Committed, Einsum, Linear, Table, View, Weight

REGIONS: Final = ("weight", "input", "output", "witness", "helper", "mask")
#: Entries of a triple: a, b, ab and a', b', a'b'.
TRIPLE: Final = 6
#: Scalars of a round of the zerocheck and of a contraction.
ZEROCHECK_DEGREE: Final = 6
QUADRATIC: Final = 2
#: Widest range table, and the entries of the block of all range tables.
MAX_LIMB: Final = 8
RANGE_ENTRIES: Final = 1 << (MAX_LIMB + 1)
#: Lookups that share a helper, and factors of a product.
GROUP: Final = 4
FACTORS: Final = 5
#: Tag of the first custom table; range tables have their width.
CUSTOM_TAG: Final = 16
#: Rows of one committed vector: each is a point that a verification multiplies.
MAX_ROWS: Final = 1 << 16
#: Steps from zero nodes down to einsums.
MAX_PATHS: Final = 1 << 16
#: Variables of the address space and of the cube.
MAX_VARIABLES: Final = 32


@dataclass(frozen=True)
class Tile:
    """A tensor's place: outer axes row-major above, inner axes padded to powers of two below."""

    dims: tuple[int, ...]
    outer: tuple[int, ...]
    base: int = 0

    @property
    def inner_axes(self) -> tuple[int, ...]:
        """Axes that are padded, in index order."""
        return tuple(axis for axis in range(len(self.dims)) if axis not in self.outer)

    @cached_property
    def inner(self) -> int:
        """Variables of the inner axes together."""
        return sum(bits(self.dims[axis]) for axis in self.inner_axes)

    def cut(self, point: Sequence[T]) -> dict[int, tuple[T, ...]]:
        """The last coordinates of a point of the address space, by inner axis."""
        counts = [bits(self.dims[axis]) for axis in self.inner_axes]
        parts = cut(point[len(point) - self.inner :], counts)
        return dict(zip(self.inner_axes, parts, strict=True))

    @property
    def outer_size(self) -> int:
        """Entries of the outer axes together."""
        return prod(self.dims[axis] for axis in self.outer)

    @property
    def size(self) -> int:
        """Addresses that the tile takes, padding included."""
        return self.outer_size << self.inner


def pack(tiles: Sequence[Tile], start: int) -> tuple[list[Tile], int]:
    """The tiles with bases, largest inner part first, and the end."""
    placed = list(tiles)
    for i in sorted(range(len(tiles)), key=lambda i: -tiles[i].inner):  # sorted() is stable
        placed[i] = replace(tiles[i], base=start)
        start += tiles[i].size
    return placed, start


@dataclass(frozen=True)
class LimbLookup:
    """A block of limbs in the range table of its width."""

    block: int
    width: int

    @property
    def tag(self) -> int:
        """The number by which a fingerprint tells its table from all others."""
        return self.width


@dataclass(frozen=True)
class PairLookup:
    """Input and output nodes in a custom table."""

    table: int
    input: int
    output: int

    @property
    def tag(self) -> int:
        """The number by which a fingerprint tells its table from all others."""
        return CUSTOM_TAG + self.table


@dataclass(frozen=True)
class LookupGroup:
    """At most four lookups with tiles of one form, which share a helper.

    Attributes:
        helper: the committed block of their helper.
        place: where the group lies in the cube of the zerocheck.
    """

    lookups: tuple[LimbLookup | PairLookup, ...]
    helper: int
    place: Tile


@dataclass(frozen=True)
class PlacedProduct:
    """A product constraint and its place in the cube."""

    factors: tuple[int, ...]
    place: Tile


@dataclass(frozen=True)
class Hiding:
    """Where the randomness of a hiding proof lies (docs/protocol.md, Hiding tables).

    Attributes:
        slots, pads, mask: blocks; ``triples`` too, if there is a contraction.
        pad_count: pads of zerocheck and contractions.
        position: of the slots in the cube.
    """

    slots: int
    triples: int | None
    pads: int
    pad_count: int
    mask: int
    position: int


@dataclass(frozen=True)
class Layout:
    """The address space of an expanded table.

    Attributes:
        blocks: every committed tile, with its base.
        node_blocks: for each node its limbs, its hint or its weights; () for virtual nodes.
        counts: the blocks of multiplicities: range tables, then each custom table.
        entry_helpers: the blocks hT in the same order.
        widths: of the range tables that are used.
        cube: variables of the zerocheck.
        rows: for each region the indices of its rows.
        linked: for each linked tensor the indices of its rows.
        variables: of the address space.
        hiding: None for a proof that shows all.
    """

    blocks: tuple[Tile, ...]
    node_blocks: tuple[tuple[int, ...], ...]
    counts: tuple[int, ...]
    entry_helpers: tuple[int, ...]
    widths: tuple[int, ...]
    groups: tuple[LookupGroup, ...]
    products: tuple[PlacedProduct, ...]
    cube: int
    rows: dict[str, range]
    linked: tuple[range, ...]
    variables: int
    log_columns: int
    hiding: Hiding | None

    @property
    def columns(self) -> int:
        """Values sent after the zerocheck."""
        return GROUP + 1 + (FACTORS if self.products else 0)

    def stage_1(self) -> list[int]:
        """Rows that are committed before the first challenge, weights excepted."""
        others = (self.rows[name] for name in ("input", "output", "witness", "mask"))
        return [row for rows in (*self.linked, *others) for row in rows]


def layout_work(table: Table) -> int:
    """What :func:`layout_of` costs, in field operations."""
    blocks = sum(max(1, len(operation.limbs)) for operation in _committed(table))
    placed = blocks + len(table.lookup) + len(table.product)
    return PART * (2 * placed + len(table.nodes))


def _committed(table: Table) -> Iterator[Committed]:
    return (n.operation for n in table.nodes if isinstance(n.operation, Committed))


def layout_of(table: Table) -> Layout:
    """The layout of an expanded table.

    Raises:
        LimitError: more rows than MAX_ROWS, or variables than MAX_VARIABLES.
    """
    blocks: list[Tile] = []
    regions: list[str] = []

    def block(region: str, dims: tuple[int, ...], outer: tuple[int, ...] = ()) -> int:
        blocks.append(Tile(dims, outer))
        regions.append(region)
        return len(blocks) - 1

    node_blocks: list[tuple[int, ...]] = []
    linked = {node: place for place, node in enumerate(table.linked)}
    for index, node in enumerate(table.nodes):
        match node.operation:
            case Weight(outer):
                node_blocks.append((block("weight", node.shape, outer),))
            case Committed(region, outer, _, limbs):
                count = max(1, len(limbs))
                if index in linked:
                    region = _linked(linked[index])
                node_blocks.append(tuple(block(region, node.shape, outer) for _ in range(count)))
            case _:
                node_blocks.append(())
    lines = (RANGE_ENTRIES, *(len(t.outputs) for t in table.tables))
    counts = tuple(block("witness", (length,)) for length in lines)
    contractions = _contractions(table)
    columns = GROUP + 1 + (FACTORS if table.product else 0)
    slots = block("witness", (columns,)) if table.hiding else None
    triples = (
        block("witness", (TRIPLE * len(contractions),)) if table.hiding and contractions else None
    )
    lookup_groups = _lookup_groups(table, node_blocks)
    helpers = [block("helper", tile.dims, tile.outer) for tile, _ in lookup_groups]
    entry_helpers = tuple(block("helper", (length,)) for length in lines)

    group_places, groups_end = pack([tile for tile, _ in lookup_groups], 0)
    product_places, products_end = pack(
        [Tile(table.nodes[p.factors[0]].shape, p.outer) for p in table.product], 0
    )
    position = max(groups_end, products_end)
    cube = max(bits(max(position + table.hiding, 1)), 1)
    hiding = None
    if slots is not None:
        rounds = max(contractions, default=0)
        pad_count = ZEROCHECK_DEGREE * cube + QUADRATIC * rounds
        pads = block("witness", (pad_count,))
        mask = block("mask", (1 << table.log_columns,))
        hiding = Hiding(slots, triples, pads, pad_count, mask, position)
    names = [_linked(place) for place in linked.values()]
    order = [*REGIONS[:1], *names, *REGIONS[1:]]
    rows, end = _place(blocks, regions, order, 1 << table.log_columns)
    variables = max(bits(end), table.log_columns)
    if max(variables, cube) > MAX_VARIABLES:
        raise LimitError(f"2^{max(variables, cube)} addresses; MAX_VARIABLES is {MAX_VARIABLES}.")
    if (count := sum(map(len, rows.values()))) > MAX_ROWS:
        raise LimitError(f"{count} committed rows; MAX_ROWS is {MAX_ROWS}.")
    return Layout(
        blocks=tuple(blocks),
        node_blocks=tuple(node_blocks),
        counts=counts,
        entry_helpers=entry_helpers,
        widths=tuple(sorted({b for operation in _committed(table) for b in operation.limbs})),
        groups=tuple(
            LookupGroup(tuple(lookups), helper, place)
            for (_, lookups), helper, place in zip(
                lookup_groups, helpers, group_places, strict=True
            )
        ),
        products=tuple(
            PlacedProduct(p.factors, place)
            for p, place in zip(table.product, product_places, strict=True)
        ),
        cube=cube,
        rows={name: rows[name] for name in REGIONS},
        linked=tuple(rows[name] for name in names),
        variables=variables,
        log_columns=table.log_columns,
        hiding=hiding,
    )


def _contractions(table: Table) -> list[int]:
    """Variables of every contraction: of each path from a zero node to an einsum."""
    found, waiting, steps = [], list(reversed(table.zero)), 0
    while waiting:
        node = table.nodes[waiting.pop()]
        steps += 1
        if steps > MAX_PATHS:
            raise LimitError(f"The claims take more than MAX_PATHS ({MAX_PATHS}) steps.")
        if not node.einsum:
            continue
        match node.operation:
            case View(source):
                waiting.append(source)
            case Linear(terms):
                waiting += [source for _, source in reversed(terms)]
            case Einsum(left, _, labels):
                own, other, out = labels
                dims = zip(own, table.nodes[left].shape, strict=True)
                found.append(sum(bits(d) for x, d in dims if x in other or x not in out))
    return found


def _lookup_groups(
    table: Table, node_blocks: Sequence[tuple[int, ...]]
) -> list[tuple[Tile, list[LimbLookup | PairLookup]]]:
    """All lookups in order, those of one tile in groups of four; groups by their first lookup."""
    lookups: list[tuple[Tile, LimbLookup | PairLookup]] = []
    for node, blocks in zip(table.nodes, node_blocks, strict=True):
        if isinstance(node.operation, Committed):
            tile = Tile(node.shape, node.operation.outer)
            for number, width in zip(blocks, node.operation.limbs, strict=False):
                lookups.append((tile, LimbLookup(number, width)))
    for x in table.lookup:
        tile = Tile(table.nodes[x.input].shape, x.outer)
        lookups.append((tile, PairLookup(x.table, x.input, x.output)))

    groups: list[tuple[Tile, list[LimbLookup | PairLookup]]] = []
    filling: dict[Tile, list[LimbLookup | PairLookup]] = {}
    for tile, lookup in lookups:
        group = filling.get(tile)
        if group is None or len(group) == GROUP:
            group = filling[tile] = []
            groups.append((tile, group))
        group.append(lookup)
    return groups


def _linked(place: int) -> str:
    """The region of a linked tensor: after the weights, each by itself."""
    return f"linked {place}"


def _place(
    blocks: list[Tile], regions: Sequence[str], order: Sequence[str], columns: int
) -> tuple[dict[str, range], int]:
    """Give every block its base; the rows of each region, and the end of the last one."""
    members: dict[str, list[int]] = {region: [] for region in order}
    for i, region in enumerate(regions):
        members[region].append(i)
    rows, end = {}, 0
    for region, mine in members.items():
        if not mine:
            rows[region] = range(0)
            continue
        largest = max(columns, 1 << max(blocks[i].inner for i in mine))
        start = _next_multiple(end, largest)
        placed, end = pack([blocks[i] for i in mine], start)
        for i, tile in zip(mine, placed, strict=True):
            blocks[i] = tile
        end = _next_multiple(end, columns)
        rows[region] = range(start // columns, end // columns)
    return rows, end


def _next_multiple(n: int, of: int) -> int:
    return -(-n // of) * of
