"""Small integer graphs written by hand, and a runner of their own: nothing of a frontend."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import product

import numpy as np

from verifai.graph.integer import (
    Affine,
    Einsum,
    Indices,
    Input,
    Linear,
    Lookup,
    Maximum,
    Node,
    Requantise,
    Reshape,
    Table,
    View,
    Weight,
)


@dataclass
class Graph:
    """An integer graph under construction; has the fields that lowering reads."""

    nodes: list[Node] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)

    @property
    def input_names(self):
        return [self.nodes[index].name for index in self.inputs]

    @property
    def output_names(self):
        return [self.nodes[index].name for index in self.outputs]

    @property
    def input_shapes(self):
        return [self.nodes[index].shape for index in self.inputs]

    @property
    def output_shapes(self):
        return [self.nodes[index].shape for index in self.outputs]

    def add(self, operation, shape, low, high, *, batched=None, name=None):
        if batched is None:
            batched = any(self.nodes[index].batched for index in operands(operation))
        kind = type(operation).__name__.lower()
        label = name or f"{kind}_{len(self.nodes)}"
        self.nodes.append(Node(operation, tuple(shape), low, high, 0, batched, label))
        return len(self.nodes) - 1

    def shape(self, index):
        return self.nodes[index].shape

    def bounds(self, index):
        return self.nodes[index].low, self.nodes[index].high

    def input(self, shape, low=-128, high=127, name=None):
        index = self.add(Input(len(self.inputs)), shape, low, high, batched=True, name=name)
        self.inputs.append(index)
        return index

    def weight(self, values, name=None):
        values = np.asarray(values, dtype=np.int64)
        low, high = int(values.min()), int(values.max())
        return self.add(Weight(values), values.shape, low, high, batched=False, name=name)

    def view(self, source, axes, shape, name=None):
        low, high = self.bounds(source)
        return self.add(View(source, tuple(axes)), shape, min(low, 0), max(high, 0), name=name)

    def reshape(self, source, shape, name=None):
        return self.add(Reshape(source), shape, *self.bounds(source), name=name)

    def linear(self, *terms, offset=0, shape=None, name=None):
        ends = [sorted((c * self.bounds(s)[0], c * self.bounds(s)[1])) for c, s in terms]
        low = offset + sum(end[0] for end in ends)
        high = offset + sum(end[1] for end in ends)
        shape = self.shape(terms[0][1]) if shape is None else shape
        return self.add(Linear(tuple(terms), offset), shape, low, high, name=name)

    def einsum(self, labels, left, right, name=None):
        a, b, out = labels.replace("->", ",").split(",")
        dims = dict(zip(a + b, self.shape(left) + self.shape(right), strict=True))
        terms = math.prod(dims[letter] for letter in dims if letter not in out)
        largest = terms * max(map(abs, self.bounds(left))) * max(map(abs, self.bounds(right)))
        shape = [dims[letter] for letter in out]
        return self.add(Einsum(left, right, (a, b, out)), shape, -largest, largest, name=name)

    def requantise(self, source, shift, bits=16, floor=False, name=None):
        low = -(1 << (bits - 1))
        operation = Requantise(source, shift, floor)
        return self.add(operation, self.shape(source), low, low + (1 << bits) - 1, name=name)

    def maximum(self, source, axes=(), floor=None, name=None):
        low, high = self.bounds(source)
        if floor is not None:
            low, high = max(low, floor), max(high, floor)
        shape = [n for axis, n in enumerate(self.shape(source)) if axis not in axes]
        return self.add(Maximum(source, tuple(axes), floor), shape, low, high, name=name)

    def lookup(self, source, first, outputs, name=None):
        outputs = np.asarray(outputs, dtype=np.int64)
        self.tables.append(Table(first, outputs))
        low, high = int(outputs.min()), int(outputs.max())
        operation = Lookup(source, len(self.tables) - 1)
        return self.add(operation, self.shape(source), low, high, name=name)

    def dense(self, source, weights, bias=None, shift=0, bits=16, name="dense"):
        """``requantise(weights @ source + bias)``; weights (out, in)."""
        w = self.weight(weights, f"{name}.weight")
        acc = self.einsum("oi,i->o", w, source, f"{name}.matmul")
        if bias is not None:
            acc = self.linear((1, acc), (1, self.weight(bias, f"{name}.bias")))
        return self.requantise(acc, shift, bits, name=name)

    def conv(self, source, weights, bias, shift, pad=0, bits=16, name="conv"):
        """``requantise(conv2d(source, weights) + bias)``; weights (m, c, h, w)."""
        m, c, kh, kw = np.shape(weights)
        _, h, w = self.shape(source)
        oh, ow = h + 2 * pad - kh + 1, w + 2 * pad - kw + 1
        axes = (
            Affine(0, ((0, 1),)),
            Affine(-pad, ((1, 1), (3, 1))),
            Affine(-pad, ((2, 1), (4, 1))),
        )
        patches = self.view(source, axes, (c, kh, kw, oh, ow), f"{name}.patches")
        filters = self.weight(weights, f"{name}.weight")
        acc = self.einsum("mckl,cklyx->myx", filters, patches, f"{name}.einsum")
        biases = self.view(
            self.weight(bias, f"{name}.bias"), (Affine(0, ((0, 1),)),), (m, oh, ow), name
        )
        return self.requantise(self.linear((1, acc), (1, biases)), shift, bits, name=name)

    def pool(self, source, size=2, floor=0, name="pool"):
        """Maxima of disjoint windows of the last two of three axes, and ``floor``."""
        c, h, w = self.shape(source)
        oh, ow = h // size, w // size
        axes = (
            Affine(0, ((0, 1),)),
            Affine(0, ((1, size), (3, 1))),
            Affine(0, ((2, size), (4, 1))),
        )
        low, high = self.bounds(source)
        windows = self.add(View(source, axes), (c, oh, ow, size, size), low, high)
        return self.maximum(windows, (3, 4), floor, name=name)


def operands(operation):
    if isinstance(operation, Linear):
        return [source for _, source in operation.terms]
    if isinstance(operation, Einsum):
        return [operation.left, operation.right]
    if isinstance(operation, (Input, Weight)):
        return []
    return [operation.source]


def run(graph, inputs):
    """Values of all nodes, (batch, *shape) where batched; ``inputs`` are int64 (batch, *shape)."""
    batch = len(inputs[0])
    values = []
    for node in graph.nodes:
        if isinstance(node.operation, Input):
            value = np.asarray(inputs[node.operation.position], dtype=np.int64)
        elif isinstance(node.operation, Weight):
            value = node.operation.values
        else:
            sources = operands(node.operation)
            read = [(values[index], graph.nodes[index].batched) for index in sources]
            if node.batched:
                rows = [
                    compute(graph, node, [v[i] if batched else v for v, batched in read])
                    for i in range(batch)
                ]
                value = np.stack(rows)
            else:
                value = compute(graph, node, [v for v, _ in read])
        assert node.low <= value.min(), node
        assert value.max() <= node.high, node
        values.append(value)
    return values


def compute(graph, node, sources):
    """One inference of one node, from the definitions."""
    operation = node.operation
    if isinstance(operation, View):
        return naive_view(sources[0], operation.axes, node.shape)
    if isinstance(operation, Reshape):
        return sources[0].reshape(node.shape)
    if isinstance(operation, Linear):
        total = np.full(node.shape, operation.offset, dtype=np.int64)
        for (coefficient, _), source in zip(operation.terms, sources, strict=True):
            total = total + coefficient * source
        return total
    if isinstance(operation, Einsum):
        a, b, out = operation.labels
        return np.einsum(f"{a},{b}->{out}", *sources)
    if isinstance(operation, Requantise):
        half = 0 if operation.floor or operation.shift == 0 else 1 << (operation.shift - 1)
        return (sources[0] + half) >> operation.shift
    if isinstance(operation, Maximum):
        value = sources[0].max(axis=operation.axes) if operation.axes else sources[0]
        return value if operation.floor is None else np.maximum(value, operation.floor)
    table = graph.tables[operation.table]
    return table.outputs[sources[0] - table.first]


def naive_view(source, axes, shape):
    out = np.zeros(shape, dtype=np.int64)
    for target in product(*(range(length) for length in shape)):
        index = [
            axis.indices[target[axis.axis]]
            if isinstance(axis, Indices)
            else axis.offset + sum(c * target[t] for t, c in axis.terms)
            for axis in axes
        ]
        if all(0 <= i < n for i, n in zip(index, source.shape, strict=True)):
            out[target] = source[tuple(index)]
    return out
