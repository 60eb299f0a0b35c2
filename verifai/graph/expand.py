"""Operators that are made of others, replaced before calibration, so that each part is calibrated.

Two sources: rules here, chosen for fixed point (a variance is the mean of squared differences,
never a difference of large squares); and for the rest the bodies that ONNX's own schemas have.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from verifai.errors import VerifaiError
from verifai.extras import require
from verifai.graph.lower import OPERATORS

#: Function bodies hold functions: so many times are they looked through.
DEPTH: Final = 4
#: Most factors of a product along axes that is written out.
MAX_FACTORS: Final = 64


class Body:
    """The nodes that replace one ONNX node."""

    def __init__(self, node: Any, name: str, shapes: dict[str, tuple[int, ...]], opset: int):
        onnx = require("onnx", "onnx", "reading an ONNX model")
        self.helper, self.numpy = onnx.helper, onnx.numpy_helper
        self.name, self.shapes, self.opset = name, shapes, opset
        self.inputs = list(node.input)
        self.outputs = list(node.output)
        self.attributes = {a.name: self.helper.get_attribute_value(a) for a in node.attribute}
        self.nodes: list[Any] = []

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the first input."""
        return self.shapes[self.inputs[0]]

    def add(
        self, kind: str, inputs: Sequence[str], output: str | None = None, **attributes: Any
    ) -> str:
        """One node; the name of its output."""
        at = f"{self.name}/{kind.lower()}_{len(self.nodes)}"
        made = output or at
        self.nodes.append(self.helper.make_node(kind, list(inputs), [made], name=at, **attributes))
        return made

    def constant(self, values: Any, kind: type[np.generic] = np.float32) -> str:
        """A constant tensor."""
        tensor = self.numpy.from_array(np.asarray(values, dtype=kind))
        return self.add("Constant", [], value=tensor)

    def reduced(self, kind: str, x: str, axes: Sequence[int], output: str | None = None) -> str:
        """A reduction that keeps its axes."""
        since = 13 if kind == "ReduceSum" else 18
        if self.opset >= since:
            return self.add(kind, [x, self.constant(axes, np.int64)], output, keepdims=1)
        return self.add(kind, [x], output, axes=list(axes), keepdims=1)

    def reshaped(self, x: str, shape: Sequence[int], output: str | None = None) -> str:
        """A reshape to a constant shape."""
        return self.add("Reshape", [x, self.constant(shape, np.int64)], output)

    def standardised(
        self, x: str, axes: Sequence[int], epsilon: float, mean: str = "", inverse: str = ""
    ) -> str:
        """``(x - mean) / sqrt(variance + epsilon)`` along axes; the two statistics by name."""
        centred = self.add("Sub", [x, self.reduced("ReduceMean", x, axes, mean or None)])
        variance = self.reduced("ReduceMean", self.add("Mul", [centred, centred]), axes)
        spread = self.add("Sqrt", [self.add("Add", [variance, self.constant(epsilon)])])
        if inverse:
            self.add("Reciprocal", [spread], inverse)
        return self.add("Div", [centred, spread])

    def optional(self, position: int) -> str | None:
        """An optional input's name."""
        return self.inputs[position] if position < len(self.inputs) else None


Rule = Callable[[Body], bool]


def _axes_from(body: Body, default: int) -> list[int]:
    rank = len(body.shape)
    return list(range(int(body.attributes.get("axis", default)) % rank, rank))


def _layer(body: Body) -> bool:
    epsilon = body.attributes.get("epsilon", 1e-5)
    axes = _axes_from(body, -1)
    y = body.standardised(body.inputs[0], axes, epsilon, *body.outputs[1:3])
    offset = body.optional(2)
    y = body.add("Mul", [y, body.inputs[1]], None if offset else body.outputs[0])
    if offset:
        body.add("Add", [y, offset], body.outputs[0])
    return True


def _root_mean_square(body: Body) -> bool:
    x = body.inputs[0]
    squares = body.reduced("ReduceMean", body.add("Mul", [x, x]), _axes_from(body, -1))
    epsilon = body.constant(body.attributes.get("epsilon", 1e-5))
    spread = body.add("Sqrt", [body.add("Add", [squares, epsilon])])
    body.add("Mul", [body.add("Div", [x, spread]), body.inputs[1]], body.outputs[0])
    return True


def _instance(body: Body) -> bool:
    axes = range(2, len(body.shape))
    y = body.standardised(body.inputs[0], list(axes), body.attributes.get("epsilon", 1e-5))
    shape = [-1, *(1 for _ in axes)]
    y = body.add("Mul", [y, body.reshaped(body.inputs[1], shape)])
    body.add("Add", [y, body.reshaped(body.inputs[2], shape)], body.outputs[0])
    return True


def _group(body: Body) -> bool:
    n, channels, *rest = body.shape
    groups = int(body.attributes["num_groups"])
    x = body.reshaped(body.inputs[0], (n, groups, channels // groups * math.prod(rest)))
    y = body.standardised(x, [2], body.attributes.get("epsilon", 1e-5))
    per_channel = body.shapes[body.inputs[1]] == (channels,)
    if per_channel:
        y = body.reshaped(y, body.shape)
        shape = [channels, *(1 for _ in rest)]
    else:
        shape = [groups, 1]
    y = body.add("Mul", [y, body.reshaped(body.inputs[1], shape)])
    bias = body.reshaped(body.inputs[2], shape)
    if per_channel:
        body.add("Add", [y, bias], body.outputs[0])
    else:
        body.reshaped(body.add("Add", [y, bias]), body.shape, body.outputs[0])
    return True


def _mean_variance(body: Body) -> bool:
    axes = body.attributes.get("axes", [0, 2, 3])
    centred = body.add("Sub", [body.inputs[0], body.reduced("ReduceMean", body.inputs[0], axes)])
    variance = body.reduced("ReduceMean", body.add("Mul", [centred, centred]), axes)
    body.add("Div", [centred, body.add("Sqrt", [variance])], body.outputs[0])
    return True


def _softmax(body: Body) -> bool:
    rank = len(body.shape)
    axis = int(body.attributes.get("axis", -1 if body.opset >= 13 else 1)) % rank
    axes = [axis] if body.opset >= 13 else list(range(axis, rank))
    shifted = body.add("Sub", [body.inputs[0], body.reduced("ReduceMax", body.inputs[0], axes)])
    powers = body.add("Exp", [shifted])
    total = body.reduced("ReduceSum", powers, axes)
    if body.attributes.get("log"):
        body.add("Sub", [shifted, body.add("Log", [total])], body.outputs[0])
    else:
        body.add("Div", [powers, total], body.outputs[0])
    return True


def _log_softmax(body: Body) -> bool:
    body.attributes["log"] = 1
    return _softmax(body)


def _lp_normalisation(body: Body) -> bool:
    axis = int(body.attributes.get("axis", -1)) % len(body.shape)
    x = body.inputs[0]
    if body.attributes.get("p", 2) == 1:
        norm = body.reduced("ReduceSum", body.add("Abs", [x]), [axis])
    else:
        norm = body.add("Sqrt", [body.reduced("ReduceSum", body.add("Mul", [x, x]), [axis])])
    body.add("Div", [x, norm], body.outputs[0])
    return True


def _lp_pool(body: Body) -> bool:
    p, x = body.attributes.pop("p", 2), body.inputs[0]
    window = dict(body.attributes)
    if p not in (1, 2):
        return False  # a root of fixed point would keep next to nothing of small sums
    powers = body.add("Abs", [x]) if p == 1 else body.add("Mul", [x, x])
    kernel = window.get("kernel_shape", body.shape[2:])
    if "kernel_shape" in window:
        mean = body.add("AveragePool", [powers], count_include_pad=1, **window)
    else:
        mean = body.add("GlobalAveragePool", [powers])
    total = body.add("Mul", [mean, body.constant(float(math.prod(kernel)))])
    body.add("Identity" if p == 1 else "Sqrt", [total], body.outputs[0])
    return True


def _local_response(body: Body) -> bool:
    x, size = body.inputs[0], int(body.attributes["size"])
    n, channels, *rest = body.shape
    squares = body.reshaped(body.add("Mul", [x, x]), (n, 1, channels, math.prod(rest)))
    before = (size - 1) // 2
    mean = body.add(
        "AveragePool",
        [squares],
        kernel_shape=[size, 1],
        pads=[before, 0, size - 1 - before, 0],
        count_include_pad=1,
    )
    alpha = body.constant(body.attributes.get("alpha", 1e-4))
    scaled = body.add("Mul", [body.reshaped(mean, body.shape), alpha])
    base = body.add("Add", [scaled, body.constant(body.attributes.get("bias", 1.0))])
    power = body.add("Pow", [base, body.constant(body.attributes.get("beta", 0.75))])
    body.add("Div", [x, power], body.outputs[0])
    return True


def _product(body: Body) -> bool:
    """A chain of products, one factor after the other; axes have to be attributes or initialisers
    that the simplification left as constants of the node, which only the caller knows.
    """
    axes = body.attributes.get("axes")
    if axes is None and body.optional(1):
        return False
    rank = len(body.shape)
    axes = sorted({int(axis) % rank for axis in (range(rank) if axes is None else axes)})
    count = math.prod(body.shape[axis] for axis in axes)
    if count > MAX_FACTORS:
        return False
    order = [axis for axis in range(rank) if axis not in axes] + axes
    kept = [body.shape[axis] for axis in order[: rank - len(axes)]]
    x = body.add("Transpose", [body.inputs[0]], perm=order)
    x = body.reshaped(x, [*kept, count])
    total = None
    for place in range(count):
        factor = body.add("Gather", [x, body.constant(place, np.int64)], axis=len(kept))
        total = factor if total is None else body.add("Mul", [total, factor])
    assert total is not None
    keep = body.attributes.get("keepdims", 1)
    shape = [1 if axis in axes else d for axis, d in enumerate(body.shape)] if keep else kept
    body.reshaped(total, shape, body.outputs[0])
    return True


RULES: Final[dict[str, Rule]] = {
    "GlobalLpPool": _lp_pool,
    "GroupNormalization": _group,
    "InstanceNormalization": _instance,
    "LRN": _local_response,
    "LayerNormalization": _layer,
    "LogSoftmax": _log_softmax,
    "LpNormalization": _lp_normalisation,
    "LpPool": _lp_pool,
    "MeanVarianceNormalization": _mean_variance,
    "RMSNormalization": _root_mean_square,
    "ReduceProd": _product,
    "Softmax": _softmax,
}


def expanded(proto: Any) -> Any:
    """The model with every operator that is made of others written out, as far as rules go."""
    for _ in range(DEPTH):
        kinds = {node.op_type for node in proto.graph.node if node.domain in ("", "ai.onnx")}
        if kinds & set(RULES):
            proto = _by_rules(proto)
        unknown = {kind for kind in kinds - set(OPERATORS) - set(RULES) if _has_body(kind, proto)}
        if unknown:
            proto = _by_schema(proto, sorted(unknown))
        elif not kinds & set(RULES):
            break
    return proto


def _opset(proto: Any) -> int:
    return max((o.version for o in proto.opset_import if o.domain in ("", "ai.onnx")), default=1)


def _inferred(proto: Any) -> Any:
    onnx = require("onnx", "onnx", "reading an ONNX model")
    try:
        return onnx.shape_inference.infer_shapes(proto, data_prop=True)
    except Exception:
        # the inference's errors share no base class; rules without shapes do not apply
        return proto


def known_shapes(proto: Any) -> dict[str, tuple[int, ...]]:
    """Shapes of all tensors as far as they can be inferred, by name."""
    graph = _inferred(proto).graph
    found = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for info in (*graph.value_info, *graph.input, *graph.output):
        dims = info.type.tensor_type.shape.dim
        if all(d.HasField("dim_value") for d in dims):
            found.setdefault(info.name, tuple(d.dim_value for d in dims))
    return found


def _by_rules(proto: Any) -> Any:
    onnx = require("onnx", "onnx", "reading an ONNX model")
    shapes, opset = known_shapes(proto), _opset(proto)
    known = {t.name: t for t in proto.graph.initializer}
    result = onnx.ModelProto()
    result.CopyFrom(proto)
    del result.graph.node[:]
    for index, node in enumerate(proto.graph.node):
        rule = RULES.get(node.op_type)
        body = Body(node, node.name or f"{node.op_type}_{index}", shapes, opset)
        if rule is _product and len(node.input) > 1 and node.input[1] in known:
            axes = onnx.numpy_helper.to_array(known[node.input[1]]).reshape(-1).tolist()
            if axes:
                body.attributes["axes"] = axes
            elif not body.attributes.get("noop_with_empty_axes"):
                body.inputs = body.inputs[:1]
        if rule is not None and body.inputs[0] in shapes and _covers(rule, body):
            result.graph.node.extend(body.nodes)
        else:
            result.graph.node.append(node)
    return result


def _covers(rule: Rule, body: Body) -> bool:
    """Whether a rule wrote a node out; not where it is surprised, by a scalar for instance."""
    try:
        return rule(body)
    except VerifaiError:
        raise
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return False


def _has_body(kind: str, proto: Any) -> bool:
    onnx = require("onnx", "onnx", "reading an ONNX model")
    if not onnx.defs.has(kind):
        return False
    schema = onnx.defs.get_schema(kind, _opset(proto))
    return bool(schema.has_function or schema.has_context_dependent_function)


def _by_schema(proto: Any, kinds: Sequence[str]) -> Any:
    inliner = require("onnx.inliner", "onnx", "reading an ONNX model")
    try:
        return inliner.inline_selected_functions(
            _inferred(proto), [("", kind) for kind in kinds], False, True
        )
    except Exception:
        # older releases of onnx do not inline schemas; their nodes are reported as unsupported
        return proto
