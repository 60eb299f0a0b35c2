"""MatMul, Gemm, Conv, BatchNormalization: products with weights."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from verifai.errors import UnsupportedError
from verifai.graph.builder import LETTERS, Tensor, Window
from verifai.graph.integer import MAX_RANGED_BITS, Reshape
from verifai.graph.lower import ACCUMULATOR_BITS, Array, Lowering, OnnxNode, is_whole, operator


@operator("Gemm")
def gemm(low: Lowering, node: OnnxNode) -> Tensor:
    """``alpha A B + beta C`` with transpositions."""
    alpha, beta = node.attributes.get("alpha", 1.0), node.attributes.get("beta", 1.0)
    b = low.constant(node, 1)
    x = low.small(node, 0)
    if node.attributes.get("transA"):
        x = low.builder.permute(x, (1, 0))
    if b is None:
        labels = "mk,nk->mn" if node.attributes.get("transB") else "mk,kn->mn"
        product = low.builder.einsum(labels, x, low.small(node, 1))
        if alpha != 1.0:
            product = multiple(low, product, alpha)
    else:
        matrix = alpha * (b.T if node.attributes.get("transB") else b)
        product = times_matrix(low, x, matrix, node.outputs[0])
    if not low.has(node, 2):
        return product
    c = low.constant(node, 2)
    if c is None:
        other = low.small(node, 2)
        return added(low, product, other if beta == 1.0 else multiple(low, other, beta))
    return biased(low, product, beta * np.asarray(c))


@operator("MatMul")
def matmul(low: Lowering, node: OnnxNode) -> Tensor:
    """numpy's matmul; either side may be constant."""
    b = low.constant(node, 1)
    if b is not None and b.ndim == 2:
        return times_matrix(low, low.small(node, 0), b, node.outputs[0], node.inputs[1])
    x, y = low.small(node, 0), low.small(node, 1)
    build = low.builder
    row, column = len(x.shape) == 1, len(y.shape) == 1
    if row:
        x = build.reshape(x, (1, *x.shape))
    if column:
        y = build.reshape(y, (*y.shape, 1))
    result = matrix_product(low, x, y)
    # the axes that made matrices of vectors go again
    shape = result.shape[:-2] + (() if row else result.shape[-2:-1])
    return build.reshape(result, shape + (() if column else result.shape[-1:]))


def matrix_product(low: Lowering, x: Tensor, y: Tensor) -> Tensor:
    """``x @ y`` of matrices, or stacks of them that broadcast."""
    batch = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    names = LETTERS[: len(batch)]
    m, k, n = (LETTERS[len(batch) + i] for i in range(3))
    reduced = []
    for tensor, matrix in ((x, m + k), (y, k + n)):
        label = names[len(batch) - len(tensor.shape[:-2]) :] + matrix
        # an axis of length one on one side only belongs to the other alone
        keep = [
            i
            for i, letter in enumerate(label)
            if letter in matrix or tensor.shape[i] != 1 or batch[names.index(letter)] == 1
        ]
        shape = [tensor.shape[i] for i in keep]
        reduced.append((low.builder.reshape(tensor, shape), "".join(label[i] for i in keep)))
    (x, a), (y, b) = reduced
    return low.builder.einsum(f"{a},{b}->{names}{m}{n}", x, y)


def times_matrix(
    low: Lowering, x: Tensor, matrix: Array, name: str, source: str | None = None
) -> Tensor:
    """``x @ matrix`` for a constant matrix (K, N), which makes tensor ``name``.

    ``source`` is the matrix's name, if it is a constant of the model as it is.

    A flattened x is contracted in its own axes, so that the weights of claims stay factored: the
    matrix takes the shape instead.
    """
    k, n = matrix.shape
    rows = x.shape[:-1]
    operation = low.builder.nodes[x.node].operation
    if isinstance(operation, Reshape):
        below = low.builder.tensors[operation.source]
        lead = _lead(below.shape, rows, k)
        if lead is not None:
            axes = below.shape[lead:]
            weight = low.factors(matrix.reshape(*axes, n), below, name, [len(axes)], source)
            return low.builder.reshape(_contract(low, below, weight, lead, len(axes)), (*rows, n))
    return _contract(low, x, low.factors(matrix, x, name, [1], source), len(rows), 1)


def _lead(below: Sequence[int], rows: Sequence[int], k: int) -> int | None:
    """How many leading axes of the source are the rows, but for axes of length one, while the
    others make k; None if there is no such number.
    """
    wanted = [d for d in rows if d != 1]
    for lead in range(len(below)):
        if math.prod(below[lead:]) == k and [d for d in below[:lead] if d != 1] == wanted:
            return lead
    return None


def _contract(low: Lowering, x: Tensor, weight: Tensor, lead: int, count: int) -> Tensor:
    rows, ks, n = LETTERS[:lead], LETTERS[lead : lead + count], LETTERS[lead + count]
    return low.builder.einsum(f"{rows}{ks},{ks}{n}->{rows}{n}", x, weight)


def biased(low: Lowering, x: Tensor, bias: Array) -> Tensor:
    """``x + bias``, exact, at the scale of x; the bias is broadcast."""
    addend = low.addend(np.asarray(bias), x.scale)
    return low.builder.linear([(1, x), (1, low.builder.broadcast(addend, x.shape))], 0, x.scale)


def added(low: Lowering, x: Tensor, y: Tensor) -> Tensor:
    """``x + y`` of two computed tensors, broadcast, at the finer scale as far as that fits."""
    shape = np.broadcast_shapes(x.shape, y.shape)
    scale = max(x.scale, y.scale) - max(0, excess(x, y))
    terms = []
    for tensor in (x, y):
        if (shift := tensor.scale - scale) > 0:
            bits = tensor.bits - shift + 1
            if bits > MAX_RANGED_BITS:
                raise UnsupportedError("a sum of tensors of very different size")
            tensor = low.builder.requantise(tensor, shift, max(1, bits))
        terms.append((1 << scale - tensor.scale, low.builder.broadcast(tensor, shape)))
    return low.builder.linear(terms, 0, scale)


def excess(x: Tensor, y: Tensor) -> int:
    """By how many bits the sum of x and y at the finer scale is wider than an accumulator."""
    scale = max(x.scale, y.scale)
    return max(tensor.bits + scale - tensor.scale for tensor in (x, y)) - ACCUMULATOR_BITS


@operator("Conv")
def conv(low: Lowering, node: OnnxNode) -> Tensor:
    """A convolution over a virtual im2col, in any number of dimensions."""
    kernels = low.known(node, 1, "the kernel")
    x = low.small(node, 0)
    group = int(node.attributes.get("group", 1))
    windows = windows_of(node, x.shape[2:], kernels.shape[2:])
    if group == 1:
        return _convolved(low, node, x, low.builder.window(x, windows), kernels)
    split = low.builder.split_axis(x, 1, x.shape[1] // group)
    columns = low.builder.window(split, windows)
    kernels = kernels.reshape(group, kernels.shape[0] // group, *kernels.shape[1:])
    return _convolved(low, node, x, columns, kernels, "g")


@operator("ConvTranspose")
def conv_transpose(low: Lowering, node: OnnxNode) -> Tensor:
    """A convolution of the input spread out with zeros, with the kernel reversed."""
    kernels = low.known(node, 1, "the kernel")
    x = low.small(node, 0)
    size, kernel = x.shape[2:], kernels.shape[2:]
    rank = len(kernel)
    group = int(node.attributes.get("group", 1))
    strides = list(node.attributes.get("strides", [1] * rank))
    windows = _transposed(node, size, kernel, strides)
    build = low.builder
    spread = build.reshape(x, [*x.shape[:2], *(d for n in size for d in (n, 1))])
    for i, stride in enumerate(strides):
        spread = build.sliced(spread, 3 + 2 * i, 0, stride)
    lengths = [n * s for n, s in zip(size, strides, strict=True)]
    inputs, channels = kernels.shape[0] // group, kernels.shape[1]
    spread = build.reshape(spread, (x.shape[0], group, inputs, *lengths))
    columns = build.window(spread, windows)
    turned = kernels.reshape(group, inputs, channels, *kernel).swapaxes(1, 2)
    turned = np.flip(turned, axis=tuple(range(-rank, 0)))
    return _convolved(low, node, x, columns, turned, "g")


def _convolved(
    low: Lowering, node: OnnxNode, x: Tensor, columns: Tensor, kernels: Array, group: str = ""
) -> Tensor:
    """Windows of x times kernels, plus the bias; ``group`` is the letter of an axis of groups."""
    build = low.builder
    channels = 1 + len(group)
    positions, places, inner = window_letters(kernels.ndim - channels - 1)
    weight = low.factors(kernels, x, node.outputs[0], range(channels))
    labels = f"n{group}c{inner},{group}oc{places}->n{group}o{positions}"
    result = build.einsum(labels, columns, weight)
    if low.has(node, 2):
        shape = kernels.shape[:channels] + (1,) * len(places)
        result = biased(low, result, low.known(node, 2, "the bias").reshape(shape))
    if not group:
        return result
    result = low.settled(result, node.outputs[0])
    n, groups, each, *out = result.shape
    return build.reshape(result, (n, groups * each, *out))


def window_letters(rank: int) -> tuple[str, str, str]:
    """Of windows' positions, of places in a window, and both as :meth:`Builder.window` has them."""
    positions, places = "pqrs"[:rank], "ijkl"[:rank]
    return positions, places, "".join(a + b for a, b in zip(positions, places, strict=True))


def _transposed(
    node: OnnxNode, size: Sequence[int], kernel: Sequence[int], strides: Sequence[int]
) -> list[Window]:
    """The windows of a transposed convolution on its input spread out."""
    rank = len(kernel)
    dilations = node.attributes.get("dilations", [1] * rank)
    extra = node.attributes.get("output_padding", [0] * rank)
    full = [
        s * (n - 1) + e + (k - 1) * d + 1
        for s, n, e, k, d in zip(strides, size, extra, kernel, dilations, strict=True)
    ]
    mode = node.attributes.get("auto_pad", "NOTSET")
    wanted = node.attributes.get("output_shape")
    if wanted is None and mode in ("SAME_UPPER", "SAME_LOWER"):
        wanted = [n * s for n, s in zip(size, strides, strict=True)]
    if wanted is None:
        pads = node.attributes.get("pads", [0] * 2 * rank)
        cut = pads[:rank]
        out = [f - b - e for f, b, e in zip(full, cut, pads[rank:], strict=True)]
    else:
        out = [int(d) for d in wanted[-rank:]]
        cut = [_first_half(f - o, mode) for f, o in zip(full, out, strict=True)]
    return [
        Window(k, d, count=o, stride=1, before=(k - 1) * d - b)
        for k, d, o, b in zip(kernel, dilations, out, cut, strict=True)
    ]


def _first_half(total: int, mode: str) -> int:
    """What of a padding comes first; of an odd one the larger half, but for SAME_UPPER."""
    return total // 2 if mode == "SAME_UPPER" else total - total // 2


def windows_of(node: OnnxNode, size: Sequence[int], kernel: Sequence[int]) -> list[Window]:
    """The windows of a convolution or pooling; ``auto_pad`` included."""
    rank = len(kernel)
    mode = node.attributes.get("auto_pad", "NOTSET")
    ceil = bool(node.attributes.get("ceil_mode", 0))
    strides = node.attributes.get("strides", [1] * rank)
    dilations = node.attributes.get("dilations", [1] * rank)
    pads = node.attributes.get("pads", [0] * 2 * rank) if mode == "NOTSET" else [0] * 2 * rank
    windows = []
    for n, k, s, d, before, after in zip(
        size, kernel, strides, dilations, pads[:rank], pads[rank:], strict=True
    ):
        span = (k - 1) * d + 1
        if mode in ("SAME_UPPER", "SAME_LOWER"):
            count = -(-n // s)
            before = _first_half(max(0, (count - 1) * s + span - n), mode)
        else:
            reach = n + before + after - span
            count = (-(-reach // s) if ceil else reach // s) + 1
            if ceil and (count - 1) * s >= n + before:
                count -= 1  # a window that starts in the padding after is dropped
        windows.append(Window(k, d, count, s, before))
    if min(window.count for window in windows) < 1:
        raise UnsupportedError("the kernel is larger than its input")
    return windows


@operator("BatchNormalization")
def batch_normalisation(low: Lowering, node: OnnxNode) -> Tensor:
    """Inference: a scale and an offset per channel."""
    if node.attributes.get("training_mode"):
        raise UnsupportedError("training_mode")
    scale, offset, mean, variance = (
        np.asarray(low.known(node, i, "a statistic"), dtype=np.float64) for i in range(1, 5)
    )
    factor = scale / np.sqrt(variance + node.attributes.get("epsilon", 1e-5))
    x = low.small(node, 0)
    rest = (1,) * (len(x.shape) - 2)
    product = scaled(low, x, factor.reshape(-1, *rest), node.outputs[0])
    return biased(low, product, (offset - mean * factor).reshape(-1, *rest))


def multiple(low: Lowering, x: Tensor, value: float) -> Tensor:
    """``x * value`` for a number that the architecture states: a coefficient, which the key shows.

    Raises:
        UnsupportedError: the number is not finite.
    """
    if not math.isfinite(value):
        raise UnsupportedError("a constant is not finite")
    scale = low.weight_scale(np.array(value))
    # 2 needs no fraction bits, and is a unit twice as large as far as x has some
    while scale > -max(0, x.scale) and value and (value * 2.0 ** (scale - 1)).is_integer():
        scale -= 1
    coefficient = math.floor(value * 2.0**scale + 0.5)
    return low.builder.linear([(coefficient, x)], 0, x.scale + scale)


def scaled(low: Lowering, x: Tensor, factor: Array, name: str, *, literal: bool = False) -> Tensor:
    """``x * factor`` for constants, broadcast, which makes tensor ``name``.

    Factors are weights, however few, as they may be learned; one number that is a ``literal`` of
    the model becomes a coefficient.

    Raises:
        UnsupportedError: a factor is not finite.
    """
    factor = np.asarray(factor)
    build = low.builder
    shape = np.broadcast_shapes(x.shape, factor.shape)
    x = build.broadcast(x, shape)
    if literal and factor.size == 1:
        if is_whole(factor.dtype):
            return build.linear([(int(factor.reshape(())), x)], 0, x.scale)
        return multiple(low, x, float(factor.reshape(())))
    if not shape:
        return build.reshape(scaled(low, build.reshape(x, (1,)), factor, name), ())
    # each factor is a channel of its own
    weight = low.factors(factor.reshape(factor.shape or 1), x, name, range(max(factor.ndim, 1)))
    # axes of length one on the weight's side are not its own
    letters = LETTERS[: len(shape)]
    lead = len(shape) - len(weight.shape)
    keep = [i for i, d in enumerate(weight.shape) if d != 1 or shape[lead + i] == 1]
    if not keep:  # one number for all: as many times as the last axis is long
        weight = build.broadcast(build.reshape(weight, (1,)), shape[-1:])
        return build.einsum(f"{letters},{letters[-1]}->{letters}", x, weight)
    label = "".join(letters[lead + i] for i in keep)
    weight = build.reshape(weight, [weight.shape[i] for i in keep])
    return build.einsum(f"{letters},{label}->{letters}", x, weight)
