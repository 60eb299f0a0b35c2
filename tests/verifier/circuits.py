"""Small operation tables with tensors that satisfy them, built and evaluated node by node.

Values are numpy arrays of Python integers, batch axis first on batched nodes; nothing here comes
from the verifier.
"""

from __future__ import annotations

import itertools
import json
import random
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

#: What the keys of these circuits say of themselves; it means nothing to a verifier.
HEADER = b'{"model":"small"}'


def integers(values: Any) -> Array:
    """Also for what numpy has collapsed to a number: sums and products of scalars of shape ()."""
    return np.array(values, dtype=object)


class Circuit:
    """Adds a node and its value at once. ``values[i]`` is the tensor of node i."""

    def __init__(self, batch: int, log_columns: int = 6) -> None:
        self.batch = batch
        self.nodes: list[dict[str, Any]] = []
        self.values: list[Array] = []
        self.batched: list[bool] = []
        self.constraints: dict[str, list[Any]] = {
            "tables": [], "zero": [], "product": [], "lookup": [],
        }  # fmt: skip
        self.inputs: list[int] = []
        self.outputs: list[int] = []
        self.visibility: dict[int, str] = {}  # of those of them that are not public
        self.log_columns = log_columns
        self.hiding = False

    def table(self) -> dict[str, Any]:
        return {
            "version": 2, "log_columns": self.log_columns, "nodes": self.nodes, **self.constraints,
            "inputs": [self.tensor(node) for node in self.inputs],
            "outputs": [self.tensor(node) for node in self.outputs],
            **({"hiding": True} if self.hiding else {}),
        }  # fmt: skip

    def tensor(self, node: int) -> dict[str, Any]:
        """An input or output as the table names it."""
        visibility = self.visibility.get(node, "public")
        return {"node": node, "shape": list(self.shape(node)), "visibility": visibility}

    @property
    def public(self) -> list[int]:
        return [n for n in self.inputs + self.outputs if n not in self.visibility]

    def table_bytes(self) -> bytes:
        return canonical(self.table())

    def shape(self, node: int) -> tuple[int, ...]:
        """Without the batch axis."""
        return self.values[node].shape[1 if self.batched[node] else 0 :]

    def _add(self, node: dict[str, Any], values: Array, batched: bool) -> int:
        self.nodes.append(node)
        self.values.append(integers(values))
        self.batched.append(batched)
        return len(self.nodes) - 1

    def weight(self, values: Array, outer: tuple[int, ...] = ()) -> int:
        shape = list(values.shape)
        return self._add({"kind": "weight", "shape": shape, "outer": list(outer)}, values, False)

    def committed(
        self,
        region: str,
        values: Array,
        limbs: list[int],
        offset: int = 0,
        outer: tuple[int, ...] = (),
        batched: bool = True,
    ) -> int:
        node = {
            "kind": "committed",
            "region": region,
            "batched": batched,
            "shape": list(values.shape[1:] if batched else values.shape),
            "outer": list(outer),
            "offset": offset,
            "limbs": limbs,
        }
        return self._add(node, values, batched)

    def view(self, source: int, shape: tuple[int, ...], axes: list[dict[str, Any]]) -> int:
        def read(tensor: Array) -> Array:
            out = np.zeros(shape, dtype=object)
            for target in itertools.product(*map(range, shape)):
                at = []
                for m in axes:
                    if "indices" in m:
                        at.append(m["indices"][target[m["axis"]]])
                    else:
                        at.append(m["offset"] + sum(c * target[a] for a, c in m["terms"]))
                if all(0 <= i < d for i, d in zip(at, tensor.shape, strict=True)):
                    out[target] = tensor[tuple(at)]
            return out

        node = {"kind": "view", "source": source, "shape": list(shape), "axes": axes}
        return self._map(node, source, read)

    def reshape(self, source: int, shape: tuple[int, ...]) -> int:
        node = {"kind": "reshape", "source": source, "shape": list(shape)}
        return self._map(node, source, lambda tensor: tensor.reshape(shape))

    def _map(self, node: dict[str, Any], source: int, function: Any) -> int:
        value = self.values[source]
        if self.batched[source]:
            value = np.stack([function(integers(one)) for one in value])
        else:
            value = function(value)
        return self._add(node, value, self.batched[source])

    def linear(self, *terms: tuple[int, int], offset: int = 0) -> int:
        """At least one term; ``(coefficient, node)`` each."""
        shape = self.shape(terms[0][1])
        batched = any(self.batched[n] for _, n in terms)
        value = np.zeros((self.batch, *shape) if batched else shape, dtype=object) + offset
        for coefficient, n in terms:
            value = value + coefficient * self.values[n]  # broadcasts along the batch
        node = {"kind": "linear", "shape": list(shape), "terms": [list(t) for t in terms]}
        return self._add({**node, "offset": offset}, value, batched)

    def einsum(self, left: int, right: int, labels: tuple[str, str, str]) -> int:
        a = ("Z" if self.batched[left] else "") + labels[0]
        b = ("Z" if self.batched[right] else "") + labels[1]
        batched = self.batched[left] or self.batched[right]
        out = ("Z" if batched else "") + labels[2]
        value = contract(self.values[left], self.values[right], a, b, out)
        node = {"kind": "einsum", "left": left, "right": right, "labels": list(labels)}
        return self._add(node, value, batched)

    def gather(self, source: int, ids: int) -> int:
        """Rows of a weight; ids that are none read row 0, for verifiers to refuse."""
        rows, table = self.values[ids], self.values[source]
        inside = np.array((rows >= 0) & (rows < len(table)), dtype=bool)
        value = table[np.where(inside, rows, 0).astype(np.int64)]
        return self._add({"kind": "gather", "source": source, "ids": ids}, value, self.batched[ids])

    def zero(self, node: int) -> None:
        self.constraints["zero"].append(node)
        assert not np.any(self.values[node]), f"node {node} is not zero"

    def product(self, *factors: int, outer: tuple[int, ...] = ()) -> None:
        self.constraints["product"].append({"factors": list(factors), "outer": list(outer)})

    def lookup(self, table: int, source: int, target: int, outer: tuple[int, ...] = ()) -> None:
        self.constraints["lookup"].append(
            {"table": table, "input": source, "output": target, "outer": list(outer)}
        )

    def add_table(self, first: int, outputs: list[int]) -> int:
        self.constraints["tables"].append({"first": first, "outputs": outputs})
        return len(self.constraints["tables"]) - 1

    def requantise(self, node: int, shift: int, region: str, outer: tuple[int, ...] = ()) -> int:
        """floor((x + half) / 2^shift) as 8-bit and remainder; the values have to fit."""
        half = 1 << shift >> 1
        value = (self.values[node] + half) >> shift
        quotient = self.committed(region, value, [8], -128, outer)
        remainder = self.committed("witness", (self.values[node] + half) % (1 << shift), [shift])
        self.zero(self.linear((1, node), (-(1 << shift), quotient), (-1, remainder), offset=half))
        return quotient


def canonical(table: Any) -> bytes:
    return json.dumps(table, sort_keys=True, separators=(",", ":")).encode()


def contract(left: Array, right: Array, a: str, b: str, out: str) -> Array:
    """einsum for arrays of Python integers."""
    letters = out + "".join(x for x in a if x not in out)
    sizes = dict(zip(a + b, left.shape + right.shape, strict=True))

    def spread(tensor: Array, label: str) -> Array:
        order = sorted(range(len(label)), key=lambda i: letters.index(label[i]))
        return tensor.transpose(order).reshape([sizes[x] if x in label else 1 for x in letters])

    full = integers(spread(left, a) * spread(right, b))
    full = np.broadcast_to(full, [sizes[x] for x in letters])
    return integers(full.sum(axis=tuple(range(len(out), len(letters)))))


def sample(rng: random.Random, shape: tuple[int, ...], low: int, high: int) -> Array:
    out = np.zeros(shape, dtype=object)
    for index in np.ndindex(*shape):
        out[index] = rng.randint(low, high)
    return out


def relu(c: Circuit, x: int, outer: tuple[int, ...] = (), region: str = "witness") -> int:
    """max(x, 0) for 8-bit x: y and y - x are ranged, one of them is zero."""
    y = c.committed(region, np.maximum(c.values[x], 0), [7], 0, outer)
    d = c.committed("witness", np.maximum(-c.values[x], 0), [5, 3], 0, outer)
    c.zero(c.linear((1, y), (-1, d), (-1, x)))
    c.product(y, d, outer=outer)
    return y


def gate(batch: int) -> Circuit:
    """No weights, no einsum: an input, a ReLU, all public."""
    c = Circuit(batch, 5)
    x = c.committed("input", sample(random.Random(1), (batch, 3, 5), -128, 127), [8], -128)
    y = relu(c, x, region="output")
    c.inputs, c.outputs = [x], [y]
    return c


def dense(batch: int) -> Circuit:
    """No product: a requantised matrix product with a bias, and a small unused range table."""
    rng = random.Random(2)
    c = Circuit(batch, 6)
    x = c.committed("input", sample(rng, (batch, 11), -128, 127), [4, 4], -128)
    w = c.weight(sample(rng, (11, 3), -5, 5), outer=(1,))
    bias = c.weight(sample(rng, (3,), -40, 40))
    s = c.linear((1, c.einsum(x, w, ("k", "kn", "n"))), (2, bias), offset=3)
    y = c.requantise(s, 6, "output")
    c.inputs, c.outputs = [x], [y]
    return c


def convolution(batch: int) -> Circuit:
    """Conv (stride 2, padding 1) as a view, ReLU, flatten, fully connected."""
    rng = random.Random(3)
    c = Circuit(batch, 6)
    x = c.committed("input", sample(rng, (batch, 2, 5, 6), 0, 63), [6], outer=(0,))
    w = c.weight(sample(rng, (3, 2, 3, 3), -2, 2), outer=(0,))
    bias = c.weight(sample(rng, (3,), -9, 9))
    patches = c.view(
        x,
        (2, 3, 3, 3, 3),  # channel, kernel row, kernel column, row, column
        [
            {"offset": 0, "terms": [[0, 1]]},
            {"offset": -1, "terms": [[1, 1], [3, 2]]},
            {"offset": -1, "terms": [[2, 1], [4, 2]]},
        ],
    )
    s = c.einsum(patches, w, ("cijpq", "ocij", "opq"))
    spread = c.view(bias, (3, 3, 3), [{"offset": 0, "terms": [[0, 1]]}])
    y = relu(c, c.requantise(c.linear((1, s), (1, spread)), 4, "witness", (0,)), (0,))
    flat = c.reshape(y, (27,))
    v = c.weight(sample(rng, (27, 2), -3, 3))
    out = c.requantise(c.einsum(flat, v, ("k", "kn", "n")), 5, "output")
    c.inputs, c.outputs = [x], [out]
    c.visibility[x] = "private"
    return c


def attention(batch: int) -> Circuit:
    """Two batched operands with a shared axis, views above einsums, two einsums under one zero."""
    rng = random.Random(4)
    c = Circuit(batch, 5)
    q = c.committed("input", sample(rng, (batch, 2, 3, 4), -8, 7), [4], -8)
    k = c.committed("input", sample(rng, (batch, 2, 5, 4), -8, 7), [4], -8, outer=(1,))
    w = c.weight(sample(rng, (4, 4), -2, 2))
    scores = c.einsum(q, k, ("hmd", "hnd", "hmn"))
    more = c.einsum(q, w, ("hmd", "de", "hme"))
    turned = c.view(
        more,
        (2, 3, 5),
        [
            {"axis": 0, "indices": [1, 0]},
            {"offset": 0, "terms": [[1, 1]]},
            {"offset": 3, "terms": [[2, -1]]},  # reads 3, 2, 1, 0, -1
        ],
    )
    constant = c.einsum(w, w, ("ab", "ac", "abc"))  # unbatched, g axis only
    corner = c.view(
        constant,
        (2, 3, 5),
        [
            {"offset": 0, "terms": [[0, 2]]},
            {"offset": 2, "terms": []},
            {"offset": 0, "terms": [[1, 1]]},
        ],
    )
    both = c.linear((1, scores), (-3, turned), (2, corner), (1, scores), offset=-1)
    c.requantise(both, 3, "output")
    c.zero(c.linear((1, both), (-1, both)))
    return c


def lookups(batch: int) -> Circuit:
    """Custom tables (one never used), a hint, products of three and five factors, one word."""
    rng = random.Random(5)
    c = Circuit(batch, 5)
    square = c.add_table(-8, [i * i for i in range(-8, 8)])
    c.add_table(3, [7])
    cube = c.add_table(-3, [i**3 for i in range(-3, 4)])
    x = c.committed("input", sample(rng, (batch, 4, 3), -3, 3), [3], -3)
    y = c.committed("witness", c.values[x] ** 2, [], outer=(1,))
    z = c.committed("output", c.values[x] ** 3, [6], -32)
    c.lookup(square, x, y)
    c.lookup(cube, x, z)
    c.lookup(square, c.linear((2, x), offset=1), c.linear((4, y), (4, x), offset=1), outer=(1,))
    turned = [{"offset": 0, "terms": [[1, 1]]}, {"offset": 0, "terms": [[0, 1]]}]
    t = c.view(x, (3, 4), turned)
    sign = c.linear((1, t), offset=1)
    for values, place in (([-1, 0, 1], (0,)), ([-3, -2, 0, 2, 3], ())):
        copy = np.array([values[i % len(values)] for i in range(12 * batch)], dtype=object)
        u = c.committed("witness", copy.reshape(batch, 3, 4), [3], -3)
        c.product(*(c.linear((1, u), offset=-v) for v in values), outer=place)
    one = c.committed("witness", integers(5), [3], batched=False)
    c.zero(c.linear((1, one), offset=-5))
    c.zero(c.linear((1, sign), (-1, t), offset=-1))
    c.inputs, c.outputs = [x, one], [z]
    c.visibility[z] = "private"
    return c


def outer_products(batch: int) -> Circuit:
    """Einsums that sum over nothing, so that the contraction has no rounds; nothing is public."""
    rng = random.Random(6)
    c = Circuit(batch, 4)
    bias = c.weight(sample(rng, (3,), -4, 4))
    x = c.committed("witness", sample(rng, (batch, 2), 0, 7), [3])
    shifted = c.linear((1, bias), (1, c.weight(sample(rng, (3,), 0, 3), outer=(0,))), offset=-1)
    y = c.einsum(x, shifted, ("m", "n", "nm"))
    scalar = c.committed("input", integers(3), [2], batched=False)
    doubled = c.einsum(scalar, scalar, ("", "", ""))
    nine = c.view(doubled, (3, 2), [])  # a broadcast of 3 * 3
    c.requantise(c.linear((1, y), (1, nine)), 2, "output")
    return c


def embedding(batch: int, ids: Array | None = None) -> Circuit:
    """Rows of three weights by moved public ids of 20 bits, which take four to a word, into an
    einsum, a lookup and an output of 30 bits.
    """
    rng = random.Random(7)
    c = Circuit(batch, 5)
    given = sample(rng, (batch, 2, 3), 0, 4) if ids is None else ids
    x = c.committed("input", given, [8, 8, 4], outer=(0,))
    one = c.committed("input", integers(2), [2], batched=False)
    flat = c.reshape(x, (6,))
    turned = c.view(x, (2, 2), [{"axis": 1, "indices": [1, 0]}, {"offset": 2, "terms": [[0, -1]]}])
    inner = c.weight(sample(rng, (5, 3), -99, 99))
    outer = c.weight(sample(rng, (5, 2, 2), -8, 7), outer=(0, 2))
    lone = c.weight(sample(rng, (6,), -3, 3), outer=(0,))
    rows = c.gather(inner, flat)  # 6, 3
    more = c.gather(outer, turned)  # 2, 2, 2, 2
    every = c.gather(outer, x)  # 2, 3, 2, 2
    scalar = c.gather(lone, one)
    factor = c.weight(sample(rng, (6, 3, 2), -9, 9))
    s = c.einsum(rows, factor, ("ij", "ijk", "k"))
    spread = c.view(scalar, (2,), [])
    wide = c.linear((1, s), (3, spread), offset=1 << 29)
    y = c.committed("output", c.values[wide], [8, 8, 8, 6])
    c.zero(c.linear((1, y), (-1, wide)))
    square = c.add_table(-8, [i * i for i in range(-8, 8)])
    c.lookup(square, more, c.committed("witness", c.values[more] ** 2, []), outer=(1,))
    copy = c.committed("witness", c.values[every], [4], -8, outer=(1,))
    c.product(c.linear((1, copy), (-1, every)), copy, outer=(2,))
    c.inputs, c.outputs = [x, one], [y]
    return c


ALL = {
    f.__name__: f for f in (gate, dense, convolution, attention, lookups, outer_products, embedding)
}
