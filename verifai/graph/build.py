"""ONNX model -> integer graph: simplify, calibrate, lower; all that is unsupported at once."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from verifai.errors import InputError, LimitError, UnsupportedError, UsageError
from verifai.extras import require
from verifai.graph import operators
from verifai.graph.builder import Tensor
from verifai.graph.expand import expanded, known_shapes
from verifai.graph.float_run import every_tensor
from verifai.graph.graph import IntegerGraph
from verifai.graph.lower import OPERATORS, Lowering, OnnxNode, Options
from verifai.graph.prune import pruned
from verifai.graph.sealed import sealed
from verifai.limits import MAX_COMPUTED_ELEMENTS
from verifai.model import Model

assert operators  # importing the package fills OPERATORS

#: An operation table has 4,096 nodes: of more ONNX nodes than this nothing could be proved.
MAX_LOWERED_NODES: Final = 8_192
_FLOATS: Final = ("float16", "float32", "float64")
#: Operators without one value: folding them would prove a value of our choice.
_RANDOM: Final = (
    "Bernoulli",
    "Multinomial",
    "RandomNormal",
    "RandomNormalLike",
    "RandomUniform",
    "RandomUniformLike",
)


def build(
    model: Model,
    calibration: Sequence[tuple[npt.NDArray[Any], ...]],
    options: Options | None = None,
) -> IntegerGraph:
    """The integer graph of a model.

    Args:
        calibration: inputs like those that will be proved; each a tuple of one array per model
            input. Their ranges, with head-room, decide the scales.

    Raises:
        UnsupportedError: nodes that cannot be lowered, all of them, by name with the reason.
        InputError: calibration data on which a tensor is not finite.
        MissingExtra: onnx, onnxruntime or onnxscript is not installed.
    """
    graph = lowered(model, calibration, options or Options()).graph
    graph = pruned(graph)
    graph.validate()
    return graph


@dataclass(frozen=True)
class Lowered:
    """A model on its way to a graph: what :mod:`verifai.graph.locate` compares.

    Attributes:
        proto: the simplified ONNX model.
        lowering: what became of its tensors.
        graph: with dead nodes, so that each tensor of ``lowering`` is there.
    """

    proto: Any
    lowering: Lowering
    graph: IntegerGraph


def lowered(
    model: Model, calibration: Sequence[tuple[npt.NDArray[Any], ...]], options: Options
) -> Lowered:
    """Simplify, calibrate and lower. Raises as :func:`build`."""
    proto, literals = simplified(model)
    ranges = calibrated(proto, model, calibration)
    opset = max((o.version for o in proto.opset_import if o.domain in ("", "ai.onnx")), default=1)
    lowering = Lowering(options, ranges, opset)
    numpy_helper = require("onnx.numpy_helper", "onnx", "reading an ONNX model")
    lowering.uses.update(name for node in proto.graph.node for name in node.input)
    lowering.uses.update(info.name for info in proto.graph.output)
    for tensor in proto.graph.initializer:
        lowering.folded[tensor.name] = np.asarray(numpy_helper.to_array(tensor))
    lowering.literals.update(literals)
    inputs = _inputs(model, lowering)
    problems = _nodes(proto, lowering)
    if problems:
        shown = "; ".join(f"{p['node']} ({p['operator']}): {p['reason']}" for p in problems[:20])
        raise UnsupportedError(
            f"{len(problems)} node(s) have no circuit: {shown}.",
            hint="Replace these operators, or use backend='ezkl'.",
            nodes=problems,
        )
    outputs = _outputs(model, lowering)
    graph = IntegerGraph(
        nodes=tuple(lowering.builder.nodes),
        inputs=inputs,
        outputs=outputs,
        tables=tuple(lowering.builder.tables),
        input_names=tuple(info.name for info in model.inputs),
        output_names=tuple(info.name for info in model.outputs),
        input_shapes=tuple(info.shape for info in model.inputs),
        output_shapes=tuple(info.shape for info in model.outputs),
    )
    return Lowered(proto, lowering, graph)


def simplified(model: Model) -> tuple[Any, set[str]]:
    """The ONNX model after constant folding, shape inference and fusion of normalisations.

    With the names of its :func:`literals`, those of operators that were written out included.
    """
    onnx = require("onnx", "onnx", "reading an ONNX model")
    optimizer = require("onnxscript.optimizer", "torch", "simplifying an ONNX model")
    proto = onnx.load_from_string(model.onnx)
    if (count := len(proto.graph.node)) > MAX_LOWERED_NODES:
        raise UnsupportedError(
            f"The model has {count:,} nodes; the native backend takes MAX_LOWERED_NODES "
            f"({MAX_LOWERED_NODES:,})."
        )
    check_sizes(proto)
    stated = literals(proto)
    loggers = [logging.getLogger(name) for name in ("onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:  # what it does not fold is lowered as it is: no news
            logger.setLevel(logging.CRITICAL)
        # what is folded first is a constant when operators are written out; their parts fold again
        short = _optimized(optimizer, proto)
        # what folding makes of parameters may be a Constant as well; the rules' are not of them
        before = {node.output[0] for node in short.graph.node if node.op_type == "Constant"}
        long = expanded(short)
        stated = literals(long, stated, before)
        proto = _optimized(optimizer, long)
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
    check_sizes(proto)
    return proto, stated


def literals(proto: Any, known: Iterable[str] = (), but: Iterable[str] = ()) -> set[str]:
    """Names of tensors that follow from Constant nodes alone, none of them an initialiser.

    Args:
        known: names that are literals already.
        but: outputs of Constant nodes that count only if they are known.
    """
    found, excluded = set(known), set(but)
    for node in proto.graph.node:
        inputs = [name for name in node.input if name]
        if inputs:
            stated = found.issuperset(inputs)
        else:
            stated = node.op_type == "Constant" and excluded.isdisjoint(node.output)
        if stated and node.op_type not in _RANDOM:
            found.update(name for name in node.output if name)
    return found


def check_sizes(proto: Any) -> None:
    """No tensor is computed that no machine could hold: a few bytes of a file can ask for one.

    Raises:
        LimitError: more than MAX_COMPUTED_ELEMENTS elements; the message names the tensor.
    """
    stored = {tensor.name for tensor in proto.graph.initializer}
    for name, shape in known_shapes(proto).items():
        if name not in stored and math.prod(shape) > MAX_COMPUTED_ELEMENTS:
            raise LimitError(
                f"Tensor {name[:80]!r} would have shape {list(shape)}: more than "
                f"MAX_COMPUTED_ELEMENTS ({MAX_COMPUTED_ELEMENTS:,})."
            )


def _optimized(optimizer: Any, proto: Any) -> Any:
    try:
        return sealed(proto, optimizer.optimize)
    except Exception:
        # the optimizer's errors share no base class; an unsimplified model is right as well
        return proto


def calibrated(
    proto: Any, model: Model, calibration: Sequence[tuple[npt.NDArray[Any], ...]]
) -> dict[str, tuple[float, float]]:
    """Smallest and largest value of every float tensor over the calibration data.

    Raises:
        InputError: a value is not finite.
    """
    input_names = [info.name for info in model.inputs]
    float_run = every_tensor(proto)
    ranges: dict[str, tuple[float, float]] = {}
    for sample in calibration:
        feed = dict(zip(input_names, sample, strict=True))
        for name, value in [*feed.items(), *float_run(feed).items()]:
            array = np.asarray(value)
            if array.dtype.kind != "f" or not array.size:
                continue
            if not np.isfinite(array).all():
                raise InputError(f"Tensor {name!r} is not finite on calibration data.")
            low, high = float(array.min()), float(array.max())
            before = ranges.get(name, (low, high))
            ranges[name] = (min(low, before[0]), max(high, before[1]))
    return ranges


def _inputs(model: Model, lowering: Lowering) -> tuple[int, ...]:
    nodes = []
    fixed = lowering.options.input_scales
    if unknown := sorted(set(fixed) - {info.name for info in model.inputs}):
        raise UsageError(
            f"input_scales names {unknown[0]!r}; the model's inputs are "
            f"{[info.name for info in model.inputs]}."
        )
    for position, info in enumerate(model.inputs):
        if info.dtype not in _FLOATS:
            raise UnsupportedError(f"Input {info.name!r} holds {info.dtype}; circuits take floats.")
        scale = fixed.get(info.name, lowering.scale(info.name))
        if scale < 0:
            raise UnsupportedError(
                f"Input {info.name!r} reaches {max(map(abs, lowering.ranges[info.name])):.3g}, too "
                "large for fixed point.",
                hint="Scale the model's inputs, e.g. to [0, 1].",
            )
        lowering.builder.name = info.name
        bits = lowering.options.activation_bits
        tensor = lowering.builder.input(position, info.shape, bits, scale)
        lowering.tensors[info.name] = tensor
        nodes.append(tensor.node)
    return tuple(nodes)


def _nodes(proto: Any, lowering: Lowering) -> list[dict[str, str]]:
    """Lowers all nodes; what cannot be lowered, with reasons."""
    onnx = require("onnx", "onnx", "reading an ONNX model")
    problems = []
    missing: set[str] = set()
    for index, item in enumerate(proto.graph.node):
        node = OnnxNode(
            item.name or f"{item.op_type}_{index}",
            item.op_type,
            tuple(item.input),
            tuple(item.output),
            {a.name: _value(onnx.helper.get_attribute_value(a)) for a in item.attribute},
        )
        lowering.builder.name = node.name
        if missing.intersection(node.inputs):
            missing.update(node.outputs)  # what depends on an unsupported node is not its fault
            if node.op_type not in OPERATORS:
                problems.append(_problem(node, "no such operator"))
            continue
        try:
            _lower(item, node, lowering)
        except (UnsupportedError, _Refused) as error:
            reason = error.message if isinstance(error, UnsupportedError) else str(error)
            problems.append(_problem(node, reason))
            missing.update(node.outputs)
    return problems


class _Refused(Exception):
    """A node that no rule covers."""


def _problem(node: OnnxNode, reason: str) -> dict[str, str]:
    return {"node": node.name, "operator": node.op_type, "reason": reason}


def _value(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


def _lower(item: Any, node: OnnxNode, lowering: Lowering) -> None:
    if node.op_type in _RANDOM:
        raise _Refused("its values are random")
    if all(name in lowering.folded for name in node.inputs if name):
        _fold(item, node, lowering)
        return
    if node.op_type not in OPERATORS:
        raise _Refused("no such operator")
    try:
        made = OPERATORS[node.op_type](lowering, node)
    except (KeyError, ValueError, IndexError, TypeError, ArithmeticError, MemoryError) as error:
        raise _Refused(f"attributes or shapes that no rule covers ({error!r})") from None
    results = made if isinstance(made, list) else [made]
    for name, result in zip(node.outputs, results, strict=False):
        if isinstance(result, Tensor):
            lowering.tensors[name] = result
        else:
            lowering.folded[name] = result


def _fold(item: Any, node: OnnxNode, lowering: Lowering) -> None:
    """A node of constants, evaluated by ONNX's reference implementation."""
    onnx = require("onnx", "onnx", "reading an ONNX model")
    evaluator = require("onnx.reference", "onnx", "evaluating an operator")
    names = [name for name in node.inputs if name]
    values = {name: lowering.folded[name] for name in names}
    helper = onnx.helper
    graph = helper.make_graph(
        [item],
        "constants",
        [
            helper.make_tensor_value_info(
                name, helper.np_dtype_to_tensor_dtype(values[name].dtype), values[name].shape
            )
            for name in values
        ],
        [onnx.ValueInfoProto(name=name) for name in node.outputs if name],
    )
    opsets = [helper.make_opsetid("", lowering.opset)]
    model = helper.make_model(graph, opset_imports=opsets)
    try:
        found = evaluator.ReferenceEvaluator(model).run(None, values)
    except Exception as error:
        # the reference implementation raises whatever its operators raise
        raise _Refused(f"constants that cannot be folded ({error})") from None
    for name, value in zip([n for n in node.outputs if n], found, strict=True):
        lowering.folded[name] = np.asarray(value)
    if names and lowering.literals.issuperset(names):
        lowering.literals.update(node.outputs)


def _outputs(model: Model, lowering: Lowering) -> tuple[int, ...]:
    nodes = []
    for info in model.outputs:
        if info.name in lowering.folded:
            raise UnsupportedError(
                f"Output {info.name!r} is a constant: there is nothing to prove."
            )
        tensor = lowering.settled(lowering.tensors[info.name], info.name)
        lowering.tensors[info.name] = tensor
        if math.prod(tensor.shape) != math.prod(info.shape):
            raise UnsupportedError(
                f"Output {info.name!r} is declared with shape {list(info.shape)}, and has "
                f"{list(tensor.shape)}.",
                hint="Export the model again: its outputs' shapes have to be right.",
            )
        if not tensor.scale >= 0:
            largest = max(map(abs, lowering.ranges[info.name]))
            node = lowering.builder.nodes[tensor.node].name
            if lowering.scale_of(largest) >= 0:
                raise UnsupportedError(
                    f"Output {info.name!r} reaches {largest:.3g} and would be held in steps of "
                    f"{2.0**-tensor.scale:.3g}: node {node!r} enlarges values that are too small "
                    "for fixed point.",
                    hint="Scale the weights before it, so that its factor is nearer to 1.",
                    node=node,
                )
            raise UnsupportedError(
                f"Output {info.name!r} reaches {largest:.3g}, too large for 16-bit fixed point.",
                hint="Scale the model's output.",
                node=node,
            )
        nodes.append(tensor.node)
    return tuple(nodes)
