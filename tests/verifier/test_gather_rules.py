"""The rules of gathers and of wide public tensors, each broken once, in both readers of tables."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.verifier.circuits import canonical
from tests.verifier.test_native_table import GOOD, Break, hides, put, tensor, weight
from verifai.errors import MalformedError
from verifai.verifier.native import proof_bytes
from verifai.verifier.native.parse import parse_table
from verifai.verifier.native.table import Gather, expand

N = "nodes"


def committed(shape: list[int], limbs: list[int], offset: int = 0) -> dict[str, Any]:
    return {
        "kind": "committed", "region": "input", "batched": True, "shape": shape,
        "outer": [], "offset": offset, "limbs": limbs,
    }  # fmt: skip


def gather(source: int, ids: int) -> dict[str, Any]:
    return {"kind": "gather", "source": source, "ids": ids}


def view(source: int, offset: int, step: int) -> dict[str, Any]:
    axes = [{"offset": offset, "terms": [[0, step]]}]
    return {"kind": "view", "source": source, "shape": [3], "axes": axes}


#: With ids of 32 bits in node 9, turned round and reshaped in 10 and 11, and rows of node 0 in 12.
GATHERING: dict[str, Any] = copy.deepcopy(GOOD)
GATHERING[N] += [
    committed([6], [8, 8, 8, 8]),
    view(9, 5, -2),
    {"kind": "reshape", "source": 10, "shape": [3, 1]},
    gather(0, 11),
]
GATHERING["inputs"].append(tensor(9, [6]))

BROKEN: dict[str, Break] = {
    "a shape, which its operands say": put(N, 12, "shape", [3, 1, 3]),
    "no ids": put(N, 12, {"kind": "gather", "source": 0}),
    "a list": put(N, 12, ["gather", 0, 11]),
    "ids that come later": put(N, 12, "ids", 12),
    "a source that comes later": put(N, 12, "source", 13),
    "rows of a committed node": put(N, 12, "source", 1),
    "rows of a view": put(N, 12, "source", 2),
    "rows of rows": lambda t: t[N].append(gather(12, 9)),
    "rows of a scalar": lambda t: t[N].extend([weight(), gather(13, 9)]),
    "too many elements": lambda t: t[N].extend([weight(1, 1 << 23), gather(13, 9)]),
    "too many axes": lambda t: t[N].extend([weight(*[1] * 12), gather(13, 11)]),
    "ids that are a weight": put(N, 12, "ids", 0),
    "ids that are computed": lambda t: t[N].extend(
        [{"kind": "linear", "shape": [6], "terms": [[1, 9]], "offset": 0}, gather(0, 13)]
    ),
    "ids that are rows": lambda t: t[N].append(gather(0, 12)),
    "ids with an offset": put(N, 9, "offset", -1),
    "ids beyond the end": put(N, 10, "axes", 0, "offset", 6),
    "ids before the start": put(N, 10, "axes", 0, "offset", 3),
    "private ids": put("inputs", 1, "visibility", "private"),
    "ids that are an output": lambda t: t["outputs"].append(t["inputs"].pop()),
    "ids that are neither": lambda t: t["inputs"].pop(),
    "ids of 33 bits": put(N, 9, "limbs", [8, 8, 8, 8, 1]),
    "an output of 33 bits": put(N, 6, "limbs", [8, 8, 8, 8, 1]),
    "committed ids": lambda table: (
        hides(7)(table),
        put(N, 9, "limbs", [8])(table),
        put("inputs", 1, "visibility", "committed")(table),
    ),
    "a committed output of 17 bits": lambda table: (
        hides(7)(table),
        put(N, 6, "limbs", [8, 8, 1])(table),
        put("outputs", 0, "visibility", "committed")(table),
    ),
}


def test_a_gather_has_the_shape_of_its_ids_and_of_a_row() -> None:
    table = parse_table(canonical(GATHERING))
    node = table.nodes[12]
    assert (node.operation, node.shape, node.batched) == (Gather(0, 11), (3, 1, 3), True)
    assert expand(table, 4).nodes[12].shape == (4, 3, 1, 3)
    assert table.to_bytes() == canonical(GATHERING)
    native = pytest.importorskip("verifai._native", reason="the proving core is not built")
    for batch in (1, 4):
        data = canonical(GATHERING)
        assert native.native_proof_bytes(data, batch) == proof_bytes(data, batch)


@pytest.mark.parametrize("name", BROKEN)
def test_broken_tables_are_refused(name: str) -> None:
    table = copy.deepcopy(GATHERING)
    BROKEN[name](table)
    with pytest.raises(MalformedError):
        parse_table(canonical(table))
    native = pytest.importorskip("verifai._native", reason="the proving core is not built")
    with pytest.raises(ValueError, match="table"):
        native.native_proof_bytes(canonical(table), 1)
