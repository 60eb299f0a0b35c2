"""For each limit on operation tables a table that goes up to it and costs the most: rows as data.

Every table here is valid, or breaks no rule but a limit's. What a verifier does with them has to
end within its budget, whether it accepts or refuses.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

Node = dict[str, Any]

#: Bytes of a table at most, less than the limit by what stands around the part that grows.
ROOM: Final = (8 << 20) - 4096
#: Nodes, and constraints of a kind.
MOST: Final = 4096


def table(nodes: list[Node], **fields: Any) -> bytes:
    """A table of these nodes; ``fields`` replace empty ones."""
    whole: dict[str, Any] = {
        "version": 2,
        "log_columns": 7,
        "nodes": nodes,
        "tables": [],
        "zero": [],
        "product": [],
        "lookup": [],
        "inputs": [],
        "outputs": [],
        "hiding": True,
    } | fields
    return json.dumps(whole, sort_keys=True, separators=(",", ":")).encode()


def committed(*shape: int, limbs: tuple[int, ...] = (), outer: tuple[int, ...] = ()) -> Node:
    return {
        "kind": "committed",
        "region": "witness",
        "batched": False,
        "shape": list(shape),
        "outer": list(outer),
        "offset": 0,
        "limbs": list(limbs),
    }


def same(source: int, shape: tuple[int, ...], axes: tuple[int, ...] | None = None) -> Node:
    """A view that reads every axis as it is, or in another order."""
    order = axes or tuple(range(len(shape)))
    maps = [{"offset": 0, "terms": [[axis, 1]]} for axis in order]
    return {"kind": "view", "source": source, "shape": list(shape), "axes": maps}


def reshape(source: int, *shape: int) -> Node:
    return {"kind": "reshape", "source": source, "shape": list(shape)}


def linear(shape: tuple[int, ...], *terms: int) -> Node:
    return {"kind": "linear", "shape": list(shape), "terms": [[1, t] for t in terms], "offset": 1}


def einsum(left: int, right: int, a: str, b: str, out: str) -> Node:
    return {"kind": "einsum", "left": left, "right": right, "labels": [a, b, out]}


def custom_entries() -> bytes:
    lines = [{"first": 0, "outputs": [0] * 65_000} for _ in range(64)]
    return table([committed(1)], tables=lines, zero=[0])


def indices() -> bytes:
    length = ROOM // 2 - 1000
    view = {"kind": "view", "source": 0, "shape": [length], "axes": [{"axis": 0, "indices": []}]}
    view["axes"][0]["indices"] = [0] * length
    return table([committed(9), view], zero=[1])


def linear_terms() -> bytes:
    return table([committed(4), linear((4,), *[0] * (ROOM // 6))], zero=[1])


def terms_of_long_vectors() -> bytes:
    """Every term has weights of 2^16 entries, outer ones."""
    long = committed(1 << 16, outer=(0,))
    return table([long, linear((1 << 16,), *[0] * 60_000)], zero=[1], log_columns=12)


def limb_blocks() -> bytes:
    return table([committed(limbs=(1,) * 62) for _ in range(MOST)], log_columns=20)


def limb_blocks_of_many_axes() -> bytes:
    shape = (2,) * 8 + (1,) * 4
    return table(
        [committed(*shape, limbs=(1,) * 62, outer=(0, 2, 4, 6)) for _ in range(MOST)],
        log_columns=20,
    )


def linked_tensors() -> bytes:
    nodes = [committed(limbs=(1,) * 16) for _ in range(MOST)]
    shown = [{"node": i, "shape": [], "visibility": "committed"} for i in range(128)]
    return table(nodes, inputs=shown[:64], outputs=shown[64:])


def lookups() -> bytes:
    nodes = [committed(2, *[1] * 11) for _ in range(2)]
    pairs = [{"table": 0, "input": 0, "output": 1, "outer": list(range(12))}] * MOST
    return table(nodes, tables=[{"first": 0, "outputs": [0]}], lookup=pairs)


def lookups_of_many_tiles() -> bytes:
    nodes = [committed(1, 3, i + 1) for i in range(MOST)]
    pairs = [{"table": 0, "input": i, "output": i, "outer": [1]} for i in range(MOST)]
    return table(nodes, tables=[{"first": 0, "outputs": [0]}], lookup=pairs, log_columns=16)


def products() -> bytes:
    nodes = [committed(2, *[1] * 11, outer=(0,))]
    same_factors = [{"factors": [0] * 5, "outer": [0, 5, 11]}] * MOST
    return table(nodes, product=same_factors)


def products_of_long_tiles() -> bytes:
    nodes = [committed(1 << 11)]
    same_factors = [{"factors": [0] * 5, "outer": [0]}] * MOST
    return table(nodes, product=same_factors)


def chain_of_views(axes: int = 12) -> bytes:
    """Every constraint stands at the end of a chain of all nodes."""
    shape = (1,) * axes
    order = tuple(reversed(range(axes)))
    nodes = [committed(*shape), *(same(i, shape, order) for i in range(MOST - 1))]
    return table(nodes, zero=[MOST - 1] * MOST)


def chain_of_reshapes() -> bytes:
    shapes = [(2, 3, 5, 7, 11, 2, 2, 2, 3, 3, 1, 1), (1, 1, 3, 3, 2, 2, 2, 11, 7, 5, 3, 2)]
    nodes = [committed(*shapes[0]), *(reshape(i, *shapes[i % 2]) for i in range(MOST - 1))]
    return table(nodes, zero=[MOST - 1] * MOST, log_columns=16)


def chain_of_equal_reshapes() -> bytes:
    shape = (2, 1) * 6
    nodes = [committed(*shape), *(reshape(i, *shape) for i in range(MOST - 1))]
    return table(nodes, zero=[MOST - 1] * MOST)


def chain_of_linears() -> bytes:
    shape = (1,) * 12
    nodes = [committed(*shape), *(linear(shape, i) for i in range(MOST - 1))]
    return table(nodes, zero=[MOST - 1] * MOST)


def doubled_linears() -> bytes:
    """As many terms as there are paths: 2^4095."""
    nodes = [committed(3), *(linear((3,), i, i) for i in range(MOST - 1))]
    return table(nodes, zero=[MOST - 1])


def doubled_einsums() -> bytes:
    nodes = [committed(3), einsum(0, 0, "a", "a", "")]
    nodes += [linear((), i, i) for i in range(1, MOST - 1)]
    return table(nodes, zero=[MOST - 1])


def most_instances(axes: int = 12) -> bytes:
    letters = "abcdefghijkl"[:axes]
    nodes = [committed(*(1,) * axes), einsum(0, 0, letters, letters, letters[:6])]
    return table(nodes, zero=[1] * MOST)


def deep_instances() -> bytes:
    """Sixteen einsums, each under a chain of all nodes."""
    shape = (1,) * 12
    letters = "abcdefghijkl"
    nodes = [committed(*shape), einsum(0, 0, letters, letters, letters)]
    nodes += [same(i, shape, tuple(reversed(range(12)))) for i in range(1, MOST - 1)]
    return table(nodes, zero=[MOST - 1] * 16)


def long_operands() -> bytes:
    """Instances whose operands have long axes."""
    nodes = [committed(1 << 11, 1 << 3), einsum(0, 0, "ab", "ab", "a")]
    return table(nodes, zero=[1] * 2000, log_columns=14)


def maps_of_one_axis() -> bytes:
    """Source axes that read one group each, then one that reads all of a large one."""
    shape = (4,) * 11
    maps = [{"offset": 0, "terms": [[axis, 1]]} for axis in range(11)]
    view = {"kind": "view", "source": 0, "shape": list(shape), "axes": maps}
    merged = {
        "kind": "view",
        "source": 1,
        "shape": [1 << 10, 1 << 10],
        "axes": [{"offset": 0, "terms": []}] * 10 + [{"offset": 0, "terms": [[0, 1], [1, 1]]}],
    }
    return table([committed(*shape), view, merged], zero=[2] * 4, log_columns=20)


def gathers_of_long_ids() -> bytes:
    """Each reads other ids by a view of its own, and all read those of one."""
    ids = committed(1 << 12, limbs=(8,), outer=(0,))
    own = [same(0, (1 << 12,)) for _ in range(1000)]
    weight = {"kind": "weight", "shape": [4, 2], "outer": []}
    reads = [{"kind": "gather", "source": 1, "ids": 2 + i} for i in range(1000)]
    reads += [{"kind": "gather", "source": 1, "ids": 0}] * 1000
    shown = [{"node": 0, "shape": [1 << 12], "visibility": "public"}]
    nodes = [ids, weight, *own, *reads]
    return table(nodes, zero=list(range(1002, 3002)), inputs=shown)


def gathers_of_a_chain() -> bytes:
    """Ids at the end of a chain of views, read again and again."""
    ids, weight = committed(4, limbs=(1,)), {"kind": "weight", "shape": [2, 2], "outer": []}
    chain = [same(0 if i == 0 else i + 1, (4,)) for i in range(2000)]
    reads = [{"kind": "gather", "source": 1, "ids": 2001 - i} for i in range(2000)]
    shown = [{"node": 0, "shape": [4], "visibility": "public"}]
    return table([ids, weight, *chain, *reads], zero=list(range(2002, 4002)), inputs=shown)


def zero_points() -> bytes:
    return table([committed(*[2] * 12, outer=tuple(range(12)))], zero=[0] * MOST)


def many_rows() -> bytes:
    return table([committed(1 << 12)] * MOST, log_columns=8)


def public_words() -> bytes:
    nodes = [committed(1 << 14, 1, limbs=(8, 8)) for _ in range(64)]
    shown = [{"node": i, "shape": [1 << 14, 1], "visibility": "public"} for i in range(64)]
    return table(nodes, inputs=shown, log_columns=20)


TABLES: Final[dict[str, Callable[[], bytes]]] = {
    make.__name__: make
    for make in (
        custom_entries,
        indices,
        linear_terms,
        terms_of_long_vectors,
        limb_blocks,
        limb_blocks_of_many_axes,
        linked_tensors,
        lookups,
        lookups_of_many_tiles,
        products,
        products_of_long_tiles,
        chain_of_views,
        chain_of_reshapes,
        chain_of_equal_reshapes,
        chain_of_linears,
        doubled_linears,
        doubled_einsums,
        most_instances,
        deep_instances,
        long_operands,
        maps_of_one_axis,
        gathers_of_long_ids,
        gathers_of_a_chain,
        zero_points,
        many_rows,
        public_words,
    )
}
