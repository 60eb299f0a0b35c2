"""Operators that are made of others, replaced before calibration, so that each part is calibrated.

Two sources: rules here, chosen for fixed point (a variance is the mean of squared differences,
never a difference of large squares); and for the rest the bodies that ONNX's own schemas have.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

import numpy as np

from verifai.errors import UnsupportedError, VerifaiError
from verifai.extras import require
from verifai.graph.constants import stated, stored
from verifai.graph.lower import OPERATORS
from verifai.graph.notes import REFUSED, note
from verifai.graph.sigmoids import with_sigmoids
from verifai.model.nodes import OnnxNode, nodes_of

#: Function bodies hold functions: so many times are they looked through.
DEPTH: Final = 4
#: Most factors of a product along axes that is written out.
MAX_FACTORS: Final = 64


class Body:
    """The nodes that replace one ONNX node."""

    def __init__(
        self,
        node: OnnxNode,
        shapes: Mapping[str, tuple[int, ...]],
        constants: Mapping[str, Any],
        opset: int,
        booleans: Collection[str] = (),
    ):
        onnx = require("onnx", "onnx", "reading an ONNX model")
        self.onnx, self.helper, self.numpy = onnx, onnx.helper, onnx.numpy_helper
        self.node, self.inputs, self.outputs = node, node.inputs, node.outputs
        self.attributes = dict(node.attributes)
        self.shapes, self.constants, self.opset = shapes, constants, opset
        self._booleans = booleans
        self.nodes: list[Any] = []

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the first input."""
        return self.shapes[self.inputs[0]]

    def add(
        self, kind: str, inputs: Sequence[str], output: str | None = None, **attributes: Any
    ) -> str:
        """One node; the name of its output."""
        at = f"{self.node.name}/{kind.lower()}_{len(self.nodes)}"
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

    def unsqueezed(self, x: str, axis: int) -> str:
        """One more axis, of length one."""
        if self.opset >= 13:
            return self.add("Unsqueeze", [x, self.constant([axis], np.int64)])
        return self.add("Unsqueeze", [x], axes=[axis])

    def is_boolean(self, name: str) -> bool:
        """Whether a tensor holds truth values."""
        return name in self._booleans

    def centred(self, x: str, axes: Sequence[int], mean: str = "") -> tuple[str, str]:
        """``x - mean`` along axes, and the variance; the mean by name."""
        centred = self.add("Sub", [x, self.reduced("ReduceMean", x, axes, mean or None)])
        return centred, self.reduced("ReduceMean", self.add("Mul", [centred, centred]), axes)

    def standardised(self, x: str, axes: Sequence[int], mean: str = "", inverse: str = "") -> str:
        """``(x - mean) / sqrt(variance + epsilon)`` along axes; the two statistics by name."""
        centred, variance = self.centred(x, axes, mean)
        return self.add("Mul", [centred, self.inverse_root(variance, inverse)])

    def inverse_root(self, squares: str, output: str = "") -> str:
        """``1 / sqrt(squares + epsilon)``."""
        epsilon = self.constant(self.attributes.get("epsilon", 1e-5))
        shifted = self.add("Add", [squares, epsilon])
        return self.add("Pow", [shifted, self.constant(-0.5)], output or None)

    def affine(self, x: str, shape: Sequence[int], output: str | None = None) -> str:
        """``x * scale + bias``, the second and third input in a shape."""
        scaled = self.add("Mul", [x, self.reshaped(self.inputs[1], shape)])
        return self.add("Add", [scaled, self.reshaped(self.inputs[2], shape)], output)

    def known(self, name: str) -> Any | None:
        """The values of a constant, None if the model computes them."""
        tensor = self.constants.get(name)
        return None if tensor is None else self.numpy.to_array(tensor)

    def optional(self, position: int) -> str | None:
        """An optional input's name."""
        return self.inputs[position] if position < len(self.inputs) else None


#: Writes a node out; where it does not cover it raises ValueError, or UnsupportedError with what to
#: do.
Rule = Callable[[Body], None]


def _axes(body: Body) -> list[int]:
    rank = len(body.shape)
    return list(range(int(body.attributes.get("axis", -1)) % rank, rank))


def _layer(body: Body) -> None:
    y = body.standardised(body.inputs[0], _axes(body), *body.outputs[1:3])
    offset = body.optional(2)
    y = body.add("Mul", [y, body.inputs[1]], None if offset else body.outputs[0])
    if offset:
        body.add("Add", [y, offset], body.outputs[0])


def _root_mean_square(body: Body) -> None:
    x = body.inputs[0]
    squares = body.reduced("ReduceMean", body.add("Mul", [x, x]), _axes(body))
    scaled = body.add("Mul", [x, body.inverse_root(squares)])
    body.add("Mul", [scaled, body.inputs[1]], body.outputs[0])


def _instance(body: Body) -> None:
    axes = range(2, len(body.shape))
    y = body.standardised(body.inputs[0], axes)
    body.affine(y, [-1, *(1 for _ in axes)], body.outputs[0])


def _group(body: Body) -> None:
    n, channels, *rest = body.shape
    groups = int(body.attributes["num_groups"])
    x = body.reshaped(body.inputs[0], (n, groups, channels // groups * math.prod(rest)))
    y = body.standardised(x, [2])
    if body.shapes[body.inputs[1]] == (channels,):
        y = body.reshaped(y, body.shape)
        body.affine(y, [channels, *(1 for _ in rest)], body.outputs[0])
    else:
        body.reshaped(body.affine(y, [groups, 1]), body.shape, body.outputs[0])


def _mean_variance(body: Body) -> None:
    centred, variance = body.centred(body.inputs[0], body.attributes.get("axes", [0, 2, 3]))
    inverse = body.add("Pow", [variance, body.constant(-0.5)])
    body.add("Mul", [centred, inverse], body.outputs[0])


def _softmax(body: Body) -> None:
    rank = len(body.shape)
    axis = int(body.attributes.get("axis", -1 if body.opset >= 13 else 1)) % rank
    axes = [axis] if body.opset >= 13 else list(range(axis, rank))
    shifted = body.add("Sub", [body.inputs[0], body.reduced("ReduceMax", body.inputs[0], axes)])
    powers = body.add("Exp", [shifted])
    total = body.reduced("ReduceSum", powers, axes)
    if body.node.op_type == "LogSoftmax":
        body.add("Sub", [shifted, body.add("Log", [total])], body.outputs[0])
    else:
        body.add("Div", [powers, total], body.outputs[0])


def _lp_normalisation(body: Body) -> None:
    axis = int(body.attributes.get("axis", -1)) % len(body.shape)
    x = body.inputs[0]
    if body.attributes.get("p", 2) == 1:
        norm = body.reduced("ReduceSum", body.add("Abs", [x]), [axis])
    else:
        norm = body.add("Sqrt", [body.reduced("ReduceSum", body.add("Mul", [x, x]), [axis])])
    body.add("Div", [x, norm], body.outputs[0])


def _lp_pool(body: Body) -> None:
    p, x = body.attributes.pop("p", 2), body.inputs[0]
    window = dict(body.attributes)
    if p not in (1, 2):  # a root of fixed point would keep next to nothing of small sums
        raise ValueError("another norm")
    powers = body.add("Abs", [x]) if p == 1 else body.add("Mul", [x, x])
    kernel = window.get("kernel_shape", body.shape[2:])
    if "kernel_shape" in window:
        mean = body.add("AveragePool", [powers], count_include_pad=1, **window)
    else:
        mean = body.add("GlobalAveragePool", [powers])
    total = body.add("Mul", [mean, body.constant(float(math.prod(kernel)))])
    body.add("Identity" if p == 1 else "Sqrt", [total], body.outputs[0])


def _local_response(body: Body) -> None:
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


def _reduced_axes(body: Body) -> list[int]:
    """Of a reduction, constants; in the order of the shape."""
    axes = body.attributes.get("axes")
    if given := body.optional(1):
        axes = body.numpy.to_array(body.constants[given]).reshape(-1).tolist()
        if not axes and body.attributes.get("noop_with_empty_axes"):
            raise ValueError("no axes")
    rank = len(body.shape)
    return sorted({int(axis) % rank for axis in axes or range(rank)})


def _product(body: Body) -> None:
    """A chain of products, one factor after the other, along axes that are constants."""
    axes, rank = _reduced_axes(body), len(body.shape)
    count = math.prod(body.shape[axis] for axis in axes)
    if count > MAX_FACTORS:
        raise ValueError("too many factors")
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


def _log_sum_exp(body: Body) -> None:
    """``max + log(sum(exp(x - max)))``: of powers that are all small there would be little left."""
    axes, x = _reduced_axes(body), body.inputs[0]
    real = body.add("Cast", [x], to=body.onnx.TensorProto.DOUBLE)
    largest = body.reduced("ReduceMax", real, axes)
    powers = body.add("Exp", [body.add("Sub", [real, largest])])
    total = body.add("Add", [body.add("Log", [body.reduced("ReduceSum", powers, axes)]), largest])
    if not body.attributes.get("keepdims", 1):
        kept = [d for axis, d in enumerate(body.shape) if axis not in axes]
        total = body.reshaped(total, kept)
    body.add("CastLike", [total, x], body.outputs[0])


def _dynamic_quantisation(body: Body) -> None:
    """The range of the input, which holds zero, in 255 steps."""
    x, (quantised, scale, zero) = body.inputs[0], body.outputs
    uint8 = body.onnx.TensorProto.UINT8
    axes, nothing = range(len(body.shape)), body.constant(0.0)
    ends = [
        body.add(pick, [body.reshaped(body.reduced(reduction, x, axes), ()), nothing])
        for pick, reduction in (("Min", "ReduceMin"), ("Max", "ReduceMax"))
    ]
    width = body.add("Sub", [ends[1], ends[0]])
    body.add("Mul", [width, body.constant(1 / 255)], scale)
    least, most = nothing, body.constant(255.0)
    place = body.add("Round", [body.add("Neg", [body.add("Div", [ends[0], scale])])])
    point = body.add("Clip", [place, least, most])
    body.add("Cast", [point], zero, to=uint8)
    moved = body.add("Add", [body.add("Round", [body.add("Div", [x, scale])]), point])
    body.add("Cast", [body.add("Clip", [moved, least, most])], quantised, to=uint8)


RULES: Final[dict[str, Rule]] = {
    "DynamicQuantizeLinear": _dynamic_quantisation,
    "GlobalLpPool": _lp_pool,
    "GroupNormalization": _group,
    "InstanceNormalization": _instance,
    "LRN": _local_response,
    "LayerNormalization": _layer,
    "LogSoftmax": _softmax,
    "LpNormalization": _lp_normalisation,
    "LpPool": _lp_pool,
    "MeanVarianceNormalization": _mean_variance,
    "RMSNormalization": _root_mean_square,
    "ReduceLogSumExp": _log_sum_exp,
    "ReduceProd": _product,
    "Softmax": _softmax,
}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Registers a rule of another module."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return register


#: Operators whose body is a loop, and that are folded where they have a circuit at all.
_FOLDED: Final = frozenset({"Range"})


def expanded(proto: Any, literals: Collection[str] = ()) -> Any:
    """The model with every operator that is made of others written out, as far as rules go.

    ``literals`` are names of constants that the model states, which rules may look at.
    """
    for _ in range(DEPTH):
        kinds = {node.op_type for node in proto.graph.node if node.domain in ("", "ai.onnx")}
        count = len(proto.graph.node)
        if kinds & set(RULES):
            proto = _by_rules(proto)
        others = kinds - set(OPERATORS) - set(RULES) - _FOLDED
        unknown = {kind for kind in others if _has_body(kind, proto)}
        if unknown:
            proto = _by_schema(proto, sorted(unknown))
        elif len(proto.graph.node) == count:  # a rule makes several nodes of one
            break
    return _inverse_roots(with_sigmoids(proto, literals), literals)


def _inverse_roots(proto: Any, literals: Collection[str]) -> Any:
    """Divisions by a root as products with ``x ** -0.5``, in whatever way they are written."""
    onnx = require("onnx", "onnx", "reading an ONNX model")
    result = onnx.ModelProto()
    result.CopyFrom(proto)
    exponents = stored(proto.graph) | stated(proto.graph)
    numbers = {name: values for name, values in exponents.items() if name in literals}
    roots = {
        node.output[0]: node.input[0]
        for node in proto.graph.node
        if node.op_type == "Sqrt"
        or (node.op_type == "Pow" and _all_are(exponents, node.input[1], 0.5))
    }
    exact = {"Div": 1, "Reciprocal": 0}
    del result.graph.node[:]
    for index, node in enumerate(proto.graph.node):
        place = exact.get(node.op_type)
        x = None if place is None else roots.get(node.input[place])
        if x is None:
            result.graph.node.append(node)
            continue
        alone = node.op_type == "Reciprocal" or _all_are(numbers, node.input[0], 1.0)
        name = f"{node.name or node.op_type}/inverse_{index}"
        power, inverse = f"{name}/power", node.output[0] if alone else name
        made = onnx.helper.make_node
        half = onnx.numpy_helper.from_array(np.float32(-0.5))
        result.graph.node.append(made("Constant", [], [power], name=power, value=half))
        result.graph.node.append(made("Pow", [x, power], [inverse], name=name))
        if not alone:
            inputs = [node.input[0], inverse]
            result.graph.node.append(made("Mul", inputs, list(node.output), name=node.name))
    return result


def _all_are(constants: Mapping[str, Any], name: str, value: float) -> bool:
    return name in constants and bool(np.all(constants[name] == value))


def opset_of(proto: Any) -> int:
    """The version of ONNX's operator set."""
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


def _booleans(proto: Any) -> set[str]:
    """Names of the tensors that hold truth values."""
    onnx = require("onnx", "onnx", "reading an ONNX model")
    graph, boolean = _inferred(proto).graph, onnx.TensorProto.BOOL
    found = {tensor.name for tensor in graph.initializer if tensor.data_type == boolean}
    for info in (*graph.value_info, *graph.input):
        if info.type.tensor_type.elem_type == boolean:
            found.add(info.name)
    return found


def _by_rules(proto: Any) -> Any:
    onnx = require("onnx", "onnx", "reading an ONNX model")
    shapes, opset = known_shapes(proto), opset_of(proto)
    constants = {tensor.name: tensor for tensor in proto.graph.initializer}
    booleans = _booleans(proto)
    result = onnx.ModelProto()
    result.CopyFrom(proto)
    del result.graph.node[:]
    for item, node in zip(proto.graph.node, nodes_of(proto.graph), strict=True):
        if node.op_type == "Constant" and "value" in node.attributes:
            constants[node.outputs[0]] = node.attributes["value"]
        body = Body(node, shapes, constants, opset, booleans)
        try:
            nodes = body.nodes if _covered(body) else [item]
        except UnsupportedError as error:
            nodes = [item]
            note(item, REFUSED, error.message.rstrip("."))
        result.graph.node.extend(nodes)
    return result


def _covered(body: Body) -> bool:
    """Whether a rule wrote a node out; not where it is surprised, by a scalar for instance."""
    rule = RULES.get(body.node.op_type)
    if rule is None or body.inputs[0] not in body.shapes:
        return False
    try:
        rule(body)
    except VerifaiError:
        raise
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return False
    return True


def _has_body(kind: str, proto: Any) -> bool:
    onnx = require("onnx", "onnx", "reading an ONNX model")
    if not onnx.defs.has(kind):
        return False
    schema = onnx.defs.get_schema(kind, opset_of(proto))
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
