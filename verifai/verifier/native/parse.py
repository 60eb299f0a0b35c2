"""Reading an operation table: every rule of docs/protocol.md, The operation
table, before anything else looks at it.

A table comes from a stranger. What is accepted is canonical, has no unknown field, refers to
earlier nodes only, and stays within the limits named here.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import fields
from math import prod
from typing import Any, Final

from verifai.errors import LimitError, MalformedError
from verifai.limits import MIB
from verifai.proof.codec import parse_canonical_json
from verifai.proof.tensor import MAX_TENSORS, VISIBILITIES
from verifai.verifier.native.table import (
    VERSION,
    Affine,
    Committed,
    CustomTable,
    Einsum,
    Gather,
    Indices,
    Linear,
    Lookup,
    Node,
    Product,
    Reshape,
    Table,
    Tensor,
    View,
    Weight,
    origins_of,
)

#: One that hides says so in another.
FIELDS: Final = ("version", *(field.name for field in fields(Table) if field.name != "hiding"))
MAX_TABLE_BYTES: Final = 8 * MIB
MAX_INTEGER: Final = 1 << 62
MAX_ELEMENTS: Final = 1 << 24
MAX_AXES: Final = 12
MAX_NODES: Final = 4096
#: Products, lookups and zero constraints, each.
MAX_CONSTRAINTS: Final = 4096
MAX_TABLES: Final = 64
MAX_ENTRIES: Final = 1 << 16
MAX_ENTRY: Final = 1 << 31
#: Bits of all limbs of one tensor, of a public one, and of one with a commitment of its own.
MAX_LIMB_BITS: Final = 62
MAX_PUBLIC_BITS: Final = 32
MAX_LINKED_BITS: Final = 16

#: Fewest column variables of a hiding table: its tail of at most 64 entries fits into a row.
MIN_HIDING_COLUMNS: Final = 7


def parse_table(data: bytes) -> Table:
    """Read a table of one inference.

    Raises:
        MalformedError: not canonical JSON, or a rule of its format is broken.
        LimitError: longer than MAX_TABLE_BYTES.
    """
    if len(data) > MAX_TABLE_BYTES:
        raise LimitError(f"A table of {len(data)} bytes; MAX_TABLE_BYTES is {MAX_TABLE_BYTES}.")
    whole = parse_canonical_json(data)
    hiding = isinstance(whole, dict) and "hiding" in whole
    fields = _object(whole, "table", *FIELDS, *(("hiding",) if hiding else ()))
    _integer(fields["version"], VERSION, VERSION, "version")
    if hiding and fields["hiding"] is not True:
        raise MalformedError("Operation table: one that does not hide does not say so.")
    nodes: list[Node] = []
    for index, item in enumerate(_list(fields["nodes"], "nodes", MAX_NODES)):
        nodes.append(_node(item, nodes, f"node {index}"))
    table = Table(
        log_columns=_integer(
            fields["log_columns"], MIN_HIDING_COLUMNS if hiding else 4, 20, "log_columns"
        ),
        nodes=tuple(nodes),
        tables=tuple(
            _custom_table(item, f"lookup table {index}")
            for index, item in enumerate(_list(fields["tables"], "tables", MAX_TABLES))
        ),
        zero=_references(fields["zero"], nodes, "zero"),
        product=tuple(
            _product(item, nodes, f"product {index}")
            for index, item in enumerate(_list(fields["product"], "product", MAX_CONSTRAINTS))
        ),
        lookup=tuple(
            _lookup(item, nodes, f"lookup {index}")
            for index, item in enumerate(_list(fields["lookup"], "lookup", MAX_CONSTRAINTS))
        ),
        inputs=_tensors(fields["inputs"], nodes, "input", hiding),
        outputs=_tensors(fields["outputs"], nodes, "output", hiding),
        hiding=hiding,
    )
    for number, lookup in enumerate(table.lookup):
        _require(lookup.table < len(table.tables), f"lookup {number}", "no such table")
    shown = {tensor.node for tensor in table.inputs if tensor.visibility == "public"}
    origins = origins_of(nodes)
    for number, node in enumerate(nodes):
        if isinstance(node.operation, Gather):
            _check_ids(origins[node.operation.ids], nodes, shown, f"node {number}")
    named = [tensor.node for tensor in table.inputs + table.outputs]
    _require(len(set(named)) == len(named), "inputs and outputs", "a node comes twice")
    return table


def _node(item: Any, nodes: Sequence[Node], where: str) -> Node:
    kind = item.get("kind") if isinstance(item, dict) else None
    match kind:
        case "weight":
            fields = _object(item, where, "kind", "shape", "outer")
            shape = _shape(fields["shape"], where)
            return Node(Weight(_outer(fields["outer"], shape, where)), shape, False)
        case "committed":
            names = ("region", "batched", "shape", "outer", "offset", "limbs")
            fields = _object(item, where, "kind", *names)
            _require(fields["region"] in ("input", "output", "witness"), where, "unknown region")
            _require(type(fields["batched"]) is bool, where, "batched is true or false")
            shape = _shape(fields["shape"], where)
            limbs = tuple(
                _integer(b, 1, 8, f"{where}, limbs")
                for b in _list(fields["limbs"], where, MAX_LIMB_BITS)
            )
            _require(sum(limbs) <= MAX_LIMB_BITS, where, "more than 62 bits in all limbs")
            outer = _outer(fields["outer"], shape, where)
            offset = _bounded(fields["offset"], where)
            committed = Committed(fields["region"], outer, offset, limbs)
            return Node(committed, shape, fields["batched"])
        case "view":
            fields = _object(item, where, "kind", "source", "shape", "axes")
            return _view(fields, nodes, where)
        case "reshape":
            fields = _object(item, where, "kind", "source", "shape")
            source = _reference(fields["source"], nodes, where)
            shape = _shape(fields["shape"], where)
            origin = nodes[source]
            _require(prod(shape) == prod(origin.shape), where, "another number of elements")
            _require(not origin.einsum, where, "an einsum is not reshaped")
            return Node(Reshape(source), shape, origin.batched)
        case "linear":
            fields = _object(item, where, "kind", "shape", "terms", "offset")
            shape = _shape(fields["shape"], where)
            pairs = [_pair(pair, where) for pair in _list(fields["terms"], where)]
            limit = MAX_INTEGER - 1
            coefficients = _integers([c for c, _ in pairs], -limit, limit, where)
            sources = _integers([n for _, n in pairs], 0, len(nodes) - 1, f"{where}, node")
            operands = [nodes[source] for source in set(sources)]
            _require(all(n.shape == shape for n in operands), where, "operands differ in shape")
            terms = tuple(zip(coefficients, sources, strict=True))
            linear = Linear(terms, _bounded(fields["offset"], where))
            batched, einsum = any(n.batched for n in operands), any(n.einsum for n in operands)
            return Node(linear, shape, batched, einsum)
        case "einsum":
            fields = _object(item, where, "kind", "left", "right", "labels")
            return _einsum(fields, nodes, where)
        case "gather":
            fields = _object(item, where, "kind", "source", "ids")
            source = _reference(fields["source"], nodes, where)
            ids = _reference(fields["ids"], nodes, where)
            return _gather(source, ids, nodes, where)
        case _:
            raise _malformed(where, "unknown kind")


def _view(fields: dict[str, Any], nodes: Sequence[Node], where: str) -> Node:
    source = _reference(fields["source"], nodes, where)
    origin = nodes[source]
    shape = _shape(fields["shape"], where)
    items = _list(fields["axes"], where)
    _require(len(items) == len(origin.shape), where, "not one map per source axis")
    maps: list[Affine | Indices] = []
    for item, length in zip(items, origin.shape, strict=True):
        if isinstance(item, dict) and "indices" in item:
            entry = _object(item, where, "axis", "indices")
            axis = _axis(entry["axis"], shape, where)
            indices = _list(entry["indices"], where)
            _require(len(indices) == shape[axis], where, "as many indices as the axis is long")
            read = _integers(indices, 0, length - 1, f"{where}, indices")
            maps.append(Indices(axis, read))
        else:
            entry = _object(item, where, "offset", "terms")
            terms = []
            for pair in _list(entry["terms"], where):
                target, factor = _pair(pair, where)
                terms.append((_axis(target, shape, where), _bounded(factor, where)))
            _require(all(c != 0 for _, c in terms), where, "a coefficient is 0")
            maps.append(Affine(_bounded(entry["offset"], where), tuple(terms)))
    used = [axis for m in maps for axis in m.targets()]
    _require(len(used) == len(set(used)), where, "a target axis belongs to two maps")
    return Node(View(source, tuple(maps)), shape, origin.batched, origin.einsum)


def _einsum(fields: dict[str, Any], nodes: Sequence[Node], where: str) -> Node:
    left = _reference(fields["left"], nodes, where)
    right = _reference(fields["right"], nodes, where)
    operands = (nodes[left], nodes[right])
    labels = _list(fields["labels"], where, 3)
    _require(len(labels) == 3, where, "three labels")
    for label in labels:
        _require(
            isinstance(label, str) and all("a" <= c <= "z" for c in label),
            where,
            "labels are lower-case letters",
        )
        _require(len(set(label)) == len(label), where, "a letter comes twice in one label")
    a, b, out = labels
    sizes: dict[str, int] = {}
    for label, operand in zip((a, b), operands, strict=True):
        _require(len(label) == len(operand.shape), where, "one letter per axis")
        for letter, size in zip(label, operand.shape, strict=True):
            _require(sizes.setdefault(letter, size) == size, where, f"two sizes of {letter!r}")
    _require(set(out) <= set(a + b), where, "a letter of the output is in no operand")
    _require(set(a) ^ set(b) <= set(out), where, "a letter of one operand is not in the output")
    _require(not any(n.einsum for n in operands), where, "an operand contains an einsum")
    shape = _shape([sizes[letter] for letter in out], where)
    return Node(Einsum(left, right, (a, b, out)), shape, any(n.batched for n in operands), True)


def _gather(source: int, ids: int, nodes: Sequence[Node], where: str) -> Node:
    table, places = nodes[source], nodes[ids]
    _require(isinstance(table.operation, Weight), where, "its source is not a weight")
    _require(len(table.shape) >= 1, where, "its source has no axis")
    shape = _shape([*places.shape, *table.shape[1:]], where)
    return Node(Gather(source, ids), shape, places.batched)


def _check_ids(
    origin: int | None, nodes: Sequence[Node], shown: Container[int], where: str
) -> None:
    """What the ids of a gather are, by the node that they are of."""
    if origin is None:
        raise _malformed(where, "a view of its ids reads outside of them")
    _require(origin in shown, where, "its ids are of no public input")
    operation = nodes[origin].operation
    plain = isinstance(operation, Committed) and operation.offset == 0
    _require(plain, where, "its ids have an offset")


def _custom_table(item: Any, where: str) -> CustomTable:
    fields = _object(item, where, "first", "outputs")
    outputs = _list(fields["outputs"], where, MAX_ENTRIES)
    _require(len(outputs) >= 1, where, "no entries")
    bound = MAX_ENTRY - 1
    values = _integers(outputs, -bound, bound, f"{where}, outputs")
    return CustomTable(_bounded(fields["first"], where), values)


def _product(item: Any, nodes: Sequence[Node], where: str) -> Product:
    fields = _object(item, where, "factors", "outer")
    factors = _references(fields["factors"], nodes, where)
    _require(2 <= len(factors) <= 5, where, "not 2 to 5 factors")
    _operands([nodes[f] for f in factors], where)
    return Product(factors, _outer(fields["outer"], nodes[factors[0]].shape, where))


def _lookup(item: Any, nodes: Sequence[Node], where: str) -> Lookup:
    fields = _object(item, where, "table", "input", "output", "outer")
    source = _reference(fields["input"], nodes, where)
    target = _reference(fields["output"], nodes, where)
    _operands([nodes[source], nodes[target]], where)
    number = _integer(fields["table"], 0, MAX_TABLES - 1, where)
    return Lookup(number, source, target, _outer(fields["outer"], nodes[source].shape, where))


def _tensors(value: Any, nodes: Sequence[Node], role: str, hiding: bool) -> tuple[Tensor, ...]:
    """The model's inputs or outputs."""
    tensors = []
    for index, item in enumerate(_list(value, f"{role}s", MAX_TENSORS)):
        where = f"{role} {index}"
        fields = _object(item, where, "node", "shape", "visibility")
        node = nodes[at := _reference(fields["node"], nodes, where)]
        shape, visibility = _shape(fields["shape"], where), fields["visibility"]
        _require(visibility in VISIBILITIES, where, "unknown visibility")
        _require(isinstance(node.operation, Committed), where, "its node is not committed")
        assert isinstance(node.operation, Committed)
        _require(prod(shape) == prod(node.shape), where, "its node has other elements")
        if visibility != "private":
            most = MAX_PUBLIC_BITS if visibility == "public" else MAX_LINKED_BITS
            bits = node.operation.bits
            _require(1 <= bits <= most, where, f"its node has not 1 to {most} bits")
        _require(hiding or visibility != "committed", where, "a commitment needs hiding")
        tensors.append(Tensor(at, shape, visibility))
    return tuple(tensors)


def _operands(operands: Sequence[Node], where: str) -> None:
    """What goes into the zerocheck has one shape, one batchedness and no einsum."""
    _require(not any(n.einsum for n in operands), where, "an operand contains an einsum")
    kinds = {(n.shape, n.batched) for n in operands}
    _require(len(kinds) == 1, where, "operands differ in shape or in being batched")


def _shape(value: Any, where: str) -> tuple[int, ...]:
    sizes = _list(value, f"{where}, shape", MAX_AXES)
    shape = tuple(_integer(n, 1, MAX_ELEMENTS, f"{where}, shape") for n in sizes)
    _require(prod(shape) <= MAX_ELEMENTS, where, "more than 2^24 elements")
    return shape


def _outer(value: Any, shape: tuple[int, ...], where: str) -> tuple[int, ...]:
    axes = tuple(_axis(a, shape, where) for a in _list(value, where))
    _require(list(axes) == sorted(set(axes)), where, "outer axes are not in ascending order")
    return axes


def _axis(value: Any, shape: tuple[int, ...], where: str) -> int:
    return _integer(value, 0, len(shape) - 1, f"{where}, axis")


def _references(value: Any, nodes: Sequence[Node], where: str) -> tuple[int, ...]:
    return tuple(_reference(n, nodes, where) for n in _list(value, where, MAX_CONSTRAINTS))


def _reference(value: Any, nodes: Sequence[Node], where: str) -> int:
    return _integer(value, 0, len(nodes) - 1, f"{where}, node")


def _bounded(value: Any, where: str) -> int:
    return _integer(value, 1 - MAX_INTEGER, MAX_INTEGER - 1, where)


def _integers(values: list[Any], low: int, high: int, where: str) -> tuple[int, ...]:
    """Many at once: :func:`_integer` looks at them only where one is wrong."""
    if values and not (
        set(map(type, values)) == {int} and low <= min(values) <= max(values) <= high
    ):
        return tuple(_integer(value, low, high, where) for value in values)
    return tuple(values)


def _integer(value: Any, low: int, high: int, where: str) -> int:
    if type(value) is not int or not low <= value <= high:  # a bool is an int to isinstance
        raise _malformed(where, f"expected an integer from {low} to {high}, found {value!r:.40}")
    return value


def _pair(value: Any, where: str) -> tuple[Any, Any]:
    if not isinstance(value, list) or len(value) != 2:
        raise _malformed(where, "expected a pair")
    return value[0], value[1]


def _list(value: Any, where: str, most: int | None = None) -> list[Any]:
    if not isinstance(value, list):
        raise _malformed(where, "expected a list")
    _require(most is None or len(value) <= most, where, f"more than {most} elements")
    return value


def _object(value: Any, where: str, *names: str) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != set(names):
        raise _malformed(where, f"expected an object with the fields {', '.join(names)}")
    return value


def _require(condition: bool, where: str, rule: str) -> None:
    if not condition:
        raise _malformed(where, rule)


def _malformed(where: str, rule: str) -> MalformedError:
    return MalformedError(f"Malformed operation table, {where}: {rule}.")
