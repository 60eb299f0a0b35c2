"""Every rule of "The operation table", broken once; and what a batch does to a table."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.verifier.circuits import ALL, Circuit, canonical, integers
from verifai.errors import LimitError, MalformedError, UsageError
from verifai.verifier.native import proof_bytes
from verifai.verifier.native.layout import layout_of
from verifai.verifier.native.parse import MAX_TABLE_BYTES, parse_table
from verifai.verifier.native.table import Affine, Committed, Einsum, Indices, View, expand

#: One node of each kind, every kind of constraint; nodes by number in the comments.
GOOD: dict[str, Any] = {
    "version": 2,
    "log_columns": 4,
    "nodes": [
        {"kind": "weight", "shape": [4, 3], "outer": [0]},  # 0
        {
            "kind": "committed", "region": "input", "batched": True, "shape": [2, 4],
            "outer": [], "offset": -128, "limbs": [8],
        },  # 1
        {
            "kind": "view", "source": 1, "shape": [4, 2],
            "axes": [{"axis": 1, "indices": [1, 0]}, {"offset": 0, "terms": [[0, 1]]}],
        },  # 2
        {"kind": "reshape", "source": 2, "shape": [8]},  # 3
        {"kind": "linear", "shape": [4, 2], "terms": [[2, 2]], "offset": 1},  # 4
        {"kind": "einsum", "left": 1, "right": 0, "labels": ["mk", "kn", "mn"]},  # 5
        {
            "kind": "committed", "region": "output", "batched": True, "shape": [2, 3],
            "outer": [1], "offset": 0, "limbs": [8, 8],
        },  # 6
        {"kind": "linear", "shape": [2, 3], "terms": [[1, 5], [-1, 6]], "offset": 0},  # 7
        {
            "kind": "committed", "region": "witness", "batched": False, "shape": [],
            "outer": [], "offset": 0, "limbs": [],
        },  # 8
    ],
    "tables": [{"first": -2, "outputs": [1, 2, 3]}],
    "zero": [7],
    "product": [{"factors": [2, 4], "outer": [0]}],
    "lookup": [{"table": 0, "input": 2, "output": 4, "outer": []}],
    "inputs": [{"node": 1, "shape": [8], "visibility": "public"}],
    "outputs": [
        {"node": 6, "shape": [2, 3], "visibility": "public"},
        {"node": 8, "shape": [1], "visibility": "private"},
    ],
}  # fmt: skip

BIG = 1 << 62
Break = Callable[[dict[str, Any]], Any]


def put(*path: Any) -> Break:
    """The breakage that sets the entry at ``path[:-1]`` to ``path[-1]``."""

    def act(table: dict[str, Any]) -> None:
        *way, last, value = path
        target: Any = table
        for key in way:
            target = target[key]
        target[last] = value

    return act


def hides(log_columns: int = 4, **fields: Any) -> Break:
    """The breakage of a table that hides."""
    return lambda table: table.update(hiding=True, log_columns=log_columns, **fields)


def drop(*path: Any) -> Break:
    def act(table: dict[str, Any]) -> None:
        *way, last = path
        target: Any = table
        for key in way:
            target = target[key]
        del target[last]

    return act


def add(node: dict[str, Any]) -> Break:
    return lambda table: table["nodes"].append(node)


def listed(*path: Any, order: str) -> Break:
    """The breakage that writes the object at ``path`` as the list of its fields in ``order``."""

    def act(table: dict[str, Any]) -> None:
        *way, last = path
        target: Any = table
        for key in way:
            target = target[key]
        target[last] = [target[last][name] for name in order.split()]

    return act


def weight(*shape: int) -> dict[str, Any]:
    return {"kind": "weight", "shape": list(shape), "outer": []}


def tensor(node: int, shape: list[int], visibility: str = "public") -> dict[str, Any]:
    return {"node": node, "shape": shape, "visibility": visibility}


def many_outputs(table: dict[str, Any]) -> None:
    first = len(table["nodes"])
    table["nodes"] += [table["nodes"][6]] * 64
    table["outputs"] += [tensor(first + i, [6]) for i in range(64)]


N = "nodes"
BROKEN: dict[str, Break] = {
    "another version": put("version", 1),
    "version is not true": put("version", True),
    "a field is missing": drop("outputs"),
    "a field too many": put("more", 1),
    "log_columns below": put("log_columns", 3),
    "log_columns above": put("log_columns", 21),
    "nodes is no list": put(N, {}),
    "too many nodes": lambda t: t["nodes"].extend([weight(1)] * 4088),
    "a node is no object": put(N, 0, 3),
    "a node without a kind": drop(N, 0, "kind"),
    "an unknown kind": put(N, 0, "kind", "conv"),
    "a kind that is no string": put(N, 0, "kind", [1]),
    "a node lacks a field": drop(N, 0, "outer"),
    "a node has a field too many": put(N, 0, "batched", False),
    "an axis of zero": put(N, 0, "shape", [0, 3]),
    "an axis below zero": put(N, 0, "shape", [-4, 3]),
    "a shape that is no list": put(N, 0, "shape", 4),
    "a boolean size": put(N, 0, "shape", [True, 3]),
    "too many axes": add(weight(*[1] * 13)),
    "too many elements": add(weight(1 << 12, 1 << 13)),
    "outer out of range": put(N, 0, "outer", [2]),
    "outer negative": put(N, 0, "outer", [-1]),
    "outer twice": put(N, 0, "outer", [0, 0]),
    "outer descending": put(N, 0, "outer", [1, 0]),
    "an unknown region": put(N, 1, "region", "helper"),
    "the region weight": put(N, 1, "region", "weight"),
    "batched as a number": put(N, 1, "batched", 1),
    "an offset too large": put(N, 1, "offset", BIG),
    "an offset too small": put(N, 1, "offset", -BIG),
    "a limb of no bits": put(N, 1, "limbs", [0]),
    "a limb of nine bits": put(N, 1, "limbs", [9]),
    "63 bits in limbs": put(N, 1, "limbs", [7] * 9),
    "a view of itself": put(N, 2, "source", 2),
    "a view of a later node": put(N, 2, "source", 3),
    "a view of node -1": put(N, 2, "source", -1),
    "a map too few": drop(N, 2, "axes", 1),
    "a map too many": lambda t: t["nodes"][2]["axes"].append({"offset": 0, "terms": []}),
    "a map of no kind": put(N, 2, "axes", 1, {}),
    "a map of both kinds": put(N, 2, "axes", 1, {"axis": 0, "indices": [0] * 4, "offset": 0}),
    "a target axis in two maps": put(N, 2, "axes", 1, "terms", [[1, 1]]),
    "a target axis twice in a map": put(N, 2, "axes", 1, "terms", [[0, 1], [0, 1]]),
    "a target axis that is none": put(N, 2, "axes", 1, "terms", [[2, 1]]),
    "a coefficient of zero": put(N, 2, "axes", 1, "terms", [[0, 0]]),
    "a coefficient too large": put(N, 2, "axes", 1, "terms", [[0, BIG]]),
    "a term that is no pair": put(N, 2, "axes", 1, "terms", [[0, 1, 1]]),
    "a map's offset too large": put(N, 2, "axes", 1, "offset", BIG),
    "an index outside": put(N, 2, "axes", 0, "indices", [0, 2]),
    "an index below": put(N, 2, "axes", 0, "indices", [0, -1]),
    "too few indices": put(N, 2, "axes", 0, "indices", [0]),
    "indices of an axis that is none": put(N, 2, "axes", 0, "axis", 2),
    "a reshape to more": put(N, 3, "shape", [9]),
    "a reshape of an einsum": add({"kind": "reshape", "source": 5, "shape": [6]}),
    "a reshape of what contains one": add({"kind": "reshape", "source": 7, "shape": [6]}),
    "operands of another shape": put(N, 4, "shape", [2, 4]),
    "a linear coefficient too large": put(N, 4, "terms", [[BIG, 2]]),
    "a linear offset too small": put(N, 4, "offset", -BIG),
    "a linear operand that is later": put(N, 4, "terms", [[1, 4]]),
    "two labels": put(N, 5, "labels", ["mk", "kn"]),
    "a label that is no string": put(N, 5, "labels", ["mk", "kn", 3]),
    "an upper-case letter": put(N, 5, "labels", ["Bk", "kn", "Bn"]),
    "a letter twice": put(N, 5, "labels", ["kk", "kn", "n"]),
    "a letter twice in the output": put(N, 5, "labels", ["mk", "kn", "mnn"]),
    "a letter too few": put(N, 5, "labels", ["k", "kn", "n"]),
    "two sizes of a letter": put(N, 5, "labels", ["km", "kn", "mn"]),
    "a letter from nowhere": put(N, 5, "labels", ["mk", "kn", "mnz"]),
    "a letter summed in one operand": put(N, 5, "labels", ["mk", "kn", "m"]),
    "an einsum of an einsum": add(
        {"kind": "einsum", "left": 5, "right": 8, "labels": ["mn", "", "mn"]}
    ),
    "an einsum of what contains one": add(
        {"kind": "einsum", "left": 8, "right": 7, "labels": ["", "mn", "mn"]}
    ),
    "an einsum too large": lambda t: t["nodes"].extend(
        [
            weight(1 << 13),
            {"kind": "einsum", "left": 9, "right": 9, "labels": ["a", "b", "ab"]},
        ]
    ),
    "too many tables": lambda t: t["tables"].extend(t["tables"] * 64),
    "a table without entries": put("tables", 0, "outputs", []),
    "a table too long": put("tables", 0, "outputs", [0] * (2**16 + 1)),
    "an entry too large": put("tables", 0, "outputs", [1 << 31]),
    "an entry too small": put("tables", 0, "outputs", [-1 << 31]),
    "a table's first too large": put("tables", 0, "first", BIG),
    "a zero node that is none": put("zero", [9]),
    "a zero node below": put("zero", [-1]),
    "one factor": put("product", 0, "factors", [2]),
    "six factors": put("product", 0, "factors", [2] * 6),
    "factors of two shapes": put("product", 0, "factors", [2, 1]),
    "a factor that contains an einsum": put("product", 0, "factors", [7, 7]),
    "outer of a product": put("product", 0, "outer", [2]),
    "a product has a field too many": put("product", 0, "gate", 1),
    "a lookup table that is none": put("lookup", 0, "table", 1),
    "a lookup table below": put("lookup", 0, "table", -1),
    "a lookup of two shapes": put("lookup", 0, "input", 1),
    "a lookup of an einsum": put("lookup", 0, {"table": 0, "input": 5, "output": 5, "outer": []}),
    "outer of a lookup": put("lookup", 0, "outer", [1, 0]),
    "an input that is virtual": put("inputs", 0, "node", 3),
    "an output that is virtual": put("outputs", 0, "node", 5),
    "a private output that is virtual": put("outputs", 1, tensor(5, [2, 3], "private")),
    "a public weight": put("inputs", 0, tensor(0, [4, 3])),
    "a public hint": put("outputs", 1, "visibility", "public"),
    "an input that is no node": put("inputs", 0, "node", 9),
    "an input below": put("inputs", 0, "node", -1),
    "inputs that are no list": put("inputs", {}),
    "an input that is a number": put("inputs", [1]),
    "an input without a shape": drop("inputs", 0, "shape"),
    "an input with a scale": put("inputs", 0, "scale", 7),
    "an input of other elements": put("inputs", 0, "shape", [2, 3]),
    "an input with an empty axis": put("inputs", 0, "shape", [0]),
    "an input of 13 axes": put("inputs", 0, "shape", [8] + [1] * 12),
    "an unknown visibility": put("inputs", 0, "visibility", "secret"),
    "a visibility in capitals": put("inputs", 0, "visibility", "Public"),
    "no visibility": put("inputs", 0, "visibility", None),
    "more than 64 outputs": many_outputs,
    "an input that is an output": put("outputs", 0, tensor(1, [8])),
    "an input that is a private output": put("outputs", 1, tensor(1, [8], "private")),
    "a public node of 33 bits": put(N, 6, "limbs", [8, 8, 8, 8, 1]),
    "an input twice": put("inputs", [tensor(1, [8])] * 2),
    "hiding denied": put("hiding", False),
    "hiding null": put("hiding", None),
    "hiding in rows that are too short": hides(),
    "a commitment without hiding": put("inputs", 0, "visibility", "committed"),
    "a committed hint": hides(7, outputs=[tensor(8, [], "committed")]),
    "a committed node of 17 bits": lambda table: (
        hides(7, outputs=[tensor(6, [6], "committed")])(table),
        put(N, 6, "limbs", [8, 8, 1])(table),
    ),
    "a node as a list": listed(N, 0, order="kind shape outer"),
    "a committed node as a list": listed(
        N, 1, order="kind region batched shape outer offset limbs"
    ),
    "a map of indices as a list": listed(N, 2, "axes", 0, order="axis indices"),
    "an affine map as a list": listed(N, 2, "axes", 1, order="offset terms"),
    "a table as a list": listed("tables", 0, order="first outputs"),
    "a product as a list": listed("product", 0, order="factors outer"),
    "a lookup as a list": listed("lookup", 0, order="table input output outer"),
    "an input as a list": listed("inputs", 0, order="node shape visibility"),
    "a visibility that is an object": put("inputs", 0, "visibility", {"public": None}),
    "a region that is an object": put(N, 1, "region", {"input": None}),
    "a kind that is an object": put(N, 0, "kind", {"weight": None}),
}


def test_the_table_that_is_broken_below_is_good() -> None:
    table = parse_table(canonical(GOOD))
    assert [n.batched for n in table.nodes] == [False] + [True] * 7 + [False]
    assert [n.einsum for n in table.nodes] == [i in (5, 7) for i in range(9)]
    assert table.nodes[5].shape == (2, 3)


@pytest.mark.parametrize("name", BROKEN)
def test_broken_tables_are_refused(name: str) -> None:
    table = copy.deepcopy(GOOD)
    BROKEN[name](table)
    with pytest.raises(MalformedError):
        parse_table(canonical(table))


@pytest.mark.parametrize("name", BROKEN)
def test_the_core_refuses_them_too(name: str) -> None:
    native = pytest.importorskip("verifai._native", reason="the proving core is not built")
    table = copy.deepcopy(GOOD)
    assert native.native_proof_bytes(canonical(table), 1) == proof_bytes(canonical(table), 1)
    BROKEN[name](table)
    with pytest.raises(ValueError, match="table"):
        native.native_proof_bytes(canonical(table), 1)


def test_linked_tensors_have_rows_of_their_own() -> None:
    table = copy.deepcopy(GOOD)
    hides(7, outputs=[tensor(6, [6], "committed")])(table)
    layout = layout_of(expand(parse_table(canonical(table)), 3))
    (rows,) = layout.linked
    assert rows.start == layout.rows["weight"].stop
    assert len(layout.rows["output"]) == 0
    assert layout.stage_1()[: len(rows)] == list(rows)
    native = pytest.importorskip("verifai._native", reason="the proving core is not built")
    assert native.native_proof_bytes(canonical(table), 3) == proof_bytes(canonical(table), 3)


def test_a_product_is_batched_or_not() -> None:
    table = copy.deepcopy(GOOD)
    table["nodes"].append({**table["nodes"][1], "batched": False})
    table["product"][0] = {"factors": [1, 9], "outer": []}
    with pytest.raises(MalformedError, match="batched"):
        parse_table(canonical(table))


#: Bytes that are no canonical table.
FORMS = [
    b"",
    b"[]",
    b"null",
    b"\xff",
    json.dumps(GOOD, sort_keys=True).encode(),  # spaces
    canonical(GOOD) + b"\n",
    canonical(GOOD).replace(b'"version":2', b'"version":2.0'),
    canonical(GOOD).replace(b'"version":2', b'"version":1,"version":2'),
    canonical(GOOD).replace(b'"offset":1,', b'"offset":' + b"9" * 5000 + b","),
    b'{"zero":[],' + canonical(GOOD)[1:].replace(b',"zero":[7]', b""),
    canonical([GOOD[name] for name in GOOD]),  # the fields in the order of the specification
]


@pytest.mark.parametrize("data", FORMS)
def test_what_is_not_canonical_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_table(data)
    native = pytest.importorskip("verifai._native", reason="the proving core is not built")
    with pytest.raises(ValueError, match="table"):
        native.native_proof_bytes(data, 1)


def test_a_long_table_is_refused_before_it_is_read() -> None:
    with pytest.raises(LimitError, match="MAX_TABLE_BYTES"):
        parse_table(b"[" * (MAX_TABLE_BYTES + 1))


def test_expansion() -> None:
    table = expand(parse_table(canonical(GOOD)), 5)
    assert [n.shape for n in table.nodes] == [
        (4, 3), (5, 2, 4), (5, 4, 2), (5, 8), (5, 4, 2), (5, 2, 3), (5, 2, 3), (5, 2, 3), (),
    ]  # fmt: skip
    assert table.nodes[1].operation == Committed("input", (0,), -128, (8,))
    assert table.nodes[6].operation == Committed("output", (0, 2), 0, (8, 8))
    assert table.nodes[2].operation == View(
        1, (Affine(0, ((0, 1),)), Indices(2, (1, 0)), Affine(0, ((1, 1),)))
    )
    assert table.nodes[5].operation == Einsum(1, 0, ("Bmk", "kn", "Bmn"))
    assert table.product[0].outer == (0, 1)
    assert table.lookup[0].outer == (0,)


@pytest.mark.parametrize("batch", [0, -1, True, 1.0])
def test_a_batch_is_a_positive_integer(batch: int) -> None:
    with pytest.raises(UsageError):
        proof_bytes(canonical(GOOD), batch)


def test_hostile_tables_end_soon() -> None:
    start = time.monotonic()
    with pytest.raises(LimitError, match="MAX_BATCH_ELEMENTS"):
        proof_bytes(canonical(GOOD), 1 << 26)
    with pytest.raises(LimitError, match="MAX_ROWS"):
        proof_bytes(canonical(GOOD), 1 << 20)

    c = Circuit(1, 4)  # 2^40 paths to one einsum
    x = c.committed("input", integers([[1]]), [1])
    node = c.einsum(x, x, ("a", "a", "a"))
    for _ in range(40):
        node = c.linear((0, node), (0, node))
    c.zero(node)
    with pytest.raises(LimitError, match="MAX_PATHS"):
        proof_bytes(c.table_bytes(), 1)
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("name", ALL)
def test_longer_batches_make_longer_proofs(name: str) -> None:
    table = ALL[name](1).table_bytes()
    lengths = [proof_bytes(table, batch) for batch in (1, 2, 64, 1000)]
    assert lengths == sorted(lengths)
    assert lengths[0] < lengths[-1]
