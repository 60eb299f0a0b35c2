"""Models as integer graphs, with seeded weights."""

from __future__ import annotations

import numpy as np

from tests.circuit.graphs import Graph
from verifai.graph.integer import Affine, Indices


def integers(rng, shape, largest=60):
    return rng.integers(-largest, largest + 1, shape)


def mlp(seed=0):
    """6 -> 5, ReLU, -> 3."""
    rng, g = np.random.default_rng(seed), Graph()
    x = g.input((6,), name="x")
    hidden = g.dense(x, integers(rng, (5, 6)), integers(rng, 5), 4, name="first")
    relu = g.maximum(hidden, floor=0, name="relu")
    g.outputs = [g.dense(relu, integers(rng, (3, 5)), integers(rng, 3), 6, name="second")]
    return g


def digits(seed=0):
    """Convolution with padding, max-pool with ReLU, flatten, dense: LeNet in small."""
    rng, g = np.random.default_rng(seed), Graph()
    x = g.input((2, 7, 6), name="x")
    conv = g.conv(x, integers(rng, (3, 2, 3, 3)), integers(rng, 3), 5, pad=1, name="conv")
    pooled = g.pool(conv, name="pool")
    flat = g.reshape(pooled, (27,), name="flatten")
    g.outputs = [g.dense(flat, integers(rng, (4, 27)), integers(rng, 4), 9, name="fc")]
    return g


def max_pool(seed=0):
    """A convolution and a max-pool without ReLU, the output."""
    rng, g = np.random.default_rng(seed), Graph()
    x = g.input((1, 4, 4), name="x")
    conv = g.conv(x, integers(rng, (2, 1, 1, 1)), integers(rng, 2), 3, name="conv")
    g.outputs = [g.pool(conv, floor=None, name="pool")]
    return g


def inner_pool(_seed=0):
    """A max-pool without ReLU between two convolutions (times 5, times 2): no output backs it."""
    g = Graph()
    x = g.input((1, 4, 4), name="x")
    one = np.ones((1, 1, 1, 1), dtype=np.int64)
    conv = g.conv(x, 5 * one, [0], 1, name="conv")
    pooled = g.pool(conv, floor=None, name="pool")
    g.outputs = [g.conv(pooled, 2 * one, [0], 0, name="last")]
    return g


def sigmoid(seed=0):
    """Dense, a table, a second look at the same table, dense."""
    rng, g = np.random.default_rng(seed), Graph()
    x = g.input((4,), name="x")
    low = g.dense(x, integers(rng, (5, 4)), None, 8, bits=8, name="first")
    outputs = np.round(255 / (1 + np.exp(-np.arange(-128, 128) / 32))).astype(np.int64)
    once = g.lookup(low, -128, outputs, name="sigmoid")
    centred = g.linear((1, once), offset=-128, shape=(5,), name="centre")
    twice = g.lookup(centred, -128, outputs, name="again")
    g.outputs = [g.dense(twice, integers(rng, (2, 5)), None, 7, name="second")]
    return g


def attention(_seed=0):
    """Two committed tensors multiplied, gathered, floors, a residual and an odd floor."""
    g = Graph()
    x = g.input((3, 4), name="x")
    y = g.input((3, 4), name="y")
    scores = g.requantise(g.einsum("ik,jk->ij", x, y), 6, floor=True, name="scores")
    mixed = g.requantise(g.einsum("ij,jk->ik", scores, x), 9, bits=12, name="mixed")
    residual = g.linear((1, mixed), (2, x), (-1, y), offset=7, name="residual")
    gathered = g.view(residual, (Indices(0, (2, 0)), Affine(3, ((1, -1),))), (2, 4), name="gather")
    clipped = g.maximum(gathered, floor=-5, name="clip")
    best = g.maximum(clipped, (1,), name="best")
    g.outputs = [clipped, best, g.reshape(best, (1, 2)), x]
    return g


def grouped(seed=0):
    """A grouped matrix product, reshaped before it is requantised and before a bias."""
    rng, g = np.random.default_rng(seed), Graph()
    x = g.input((2, 3, 4), name="x")
    w = g.weight(integers(rng, (2, 2, 3)), name="w")
    product = g.einsum("gmk,gkp->gmp", w, x, name="product")
    flat = g.reshape(product, (4, 4), name="flat")
    y = g.requantise(flat, 4, name="y")
    relu = g.maximum(y, floor=0, name="relu")
    wide = g.linear((1, flat), (1, g.view(g.weight([3, 1, 4, 1]), (Affine(0, ((0, 1),)),), (4, 4))))
    z = g.requantise(wide, 5, name="z")
    w2 = g.weight(integers(rng, (4,)), name="w2")
    g.outputs = [relu, g.requantise(g.einsum("i,ip->p", w2, z), 6, name="last")]
    return g


def mixing(seed=0):
    """A view of a reshaped einsum, and a view of an einsum: a row of it, twice."""
    rng, g = np.random.default_rng(seed), Graph()
    x = g.input((2, 3), name="x")
    w = g.weight(integers(rng, (2, 2)), name="w")
    product = g.einsum("mk,kn->mn", w, x, name="product")
    flat = g.reshape(product, (6,), name="flat")
    some = g.view(flat, (Affine(1, ((0, 2), (1, 1))),), (2, 2), name="some")
    row = g.view(product, (Affine(1, ()), Affine(-1, ((0, 1),))), (4, 2), name="row")
    g.outputs = [g.requantise(some, 3, name="y"), g.requantise(row, 2, name="z")]
    return g


def weights_only(seed=0):
    """A branch that no input reaches, an output of its own, and an unused input."""
    rng, g = np.random.default_rng(seed), Graph()
    g.input((2,), name="unused")
    x = g.input((3,), name="x")
    w = g.weight(integers(rng, (3, 3)), name="w")
    v = g.weight(integers(rng, (3,)), name="v")
    g.weight(integers(rng, (50,)), name="dead")
    folded = g.requantise(g.einsum("ij,j->i", w, v), 4, bits=12, name="folded")
    relu = g.maximum(folded, floor=0, name="relu")
    total = g.linear((1, x), (1, relu), name="total")
    g.outputs = [g.requantise(total, 1, name="y"), g.linear((3, relu), name="constant")]
    return g


MODELS = {
    "mlp": mlp,
    "digits": digits,
    "max_pool": max_pool,
    "inner_pool": inner_pool,
    "sigmoid": sigmoid,
    "attention": attention,
    "grouped": grouped,
    "mixing": mixing,
    "weights_only": weights_only,
}


def lenet5():
    """LeNet-5 for 28 x 28 pixels: the shapes of the review, weights zero."""
    g = Graph()
    x = g.input((1, 28, 28), 0, 65535, name="pixels")

    def zeros(*shape):
        return np.zeros(shape, dtype=np.int64)

    conv1 = g.conv(x, zeros(6, 1, 5, 5), zeros(6), 12, pad=2, name="conv1")
    pool1 = g.pool(conv1, name="pool1")
    conv2 = g.conv(pool1, zeros(16, 6, 5, 5), zeros(16), 12, name="conv2")
    flat = g.reshape(g.pool(conv2, name="pool2"), (400,), name="flatten")
    fc1 = g.maximum(g.dense(flat, zeros(120, 400), zeros(120), 12, name="fc1"), floor=0)
    fc2 = g.maximum(g.dense(fc1, zeros(84, 120), zeros(84), 12, name="fc2"), floor=0)
    g.outputs = [g.dense(fc2, zeros(10, 84), zeros(10), 12, name="fc3")]
    return g


def random_inputs(graph, batch, seed=0):
    rng = np.random.default_rng(seed)
    nodes = [graph.nodes[index] for index in graph.inputs]
    return [rng.integers(n.low, n.high + 1, (batch, *n.shape)) for n in nodes]
