"""ONNX model -> integer graph: simplify, calibrate, lower; all that is unsupported at once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from verifai.errors import InputError, LimitError, UnsupportedError, UsageError, VerifaiError
from verifai.extras import require
from verifai.graph import attention, operators, recurrent, rewriting
from verifai.graph.builder import Tensor
from verifai.graph.dequantised import Dequantised
from verifai.graph.example import with_shapes
from verifai.graph.expand import RULES, expanded, known_shapes, opset_of
from verifai.graph.features import fine_inputs
from verifai.graph.fidelity import same_axes
from verifai.graph.float_run import every_tensor
from verifai.graph.fold import folded
from verifai.graph.graph import IntegerGraph
from verifai.graph.integer import MAX_RANGED_BITS
from verifai.graph.lower import (
    INTEGER_OPERATORS,
    OPERATORS,
    Lowering,
    OnnxNode,
    Options,
    is_whole,
)
from verifai.graph.masks import near
from verifai.graph.notes import REFUSED, noted
from verifai.graph.operators.plateau import fine_plateaus
from verifai.graph.operators.quantised import constant, exactly, real
from verifai.graph.operators.root import finer
from verifai.graph.prune import pruned
from verifai.graph.refusals import NO_CIRCUIT, RANDOM
from verifai.graph.sealed import sealed
from verifai.graph.shared import united
from verifai.graph.tabular import written_out
from verifai.graph.tabular.writing import DOMAIN as ML_DOMAIN
from verifai.graph.unroll import unrolled
from verifai.limits import MAX_COMPUTED_ELEMENTS
from verifai.model import Model, TensorInfo
from verifai.model.nodes import nodes_of
from verifai.model.quiet import quiet

assert operators  # importing the package fills OPERATORS
assert attention  # and these ones RULES
assert recurrent
assert rewriting

#: An operation table has 4,096 nodes: of more ONNX nodes than this nothing could be proved.
MAX_LOWERED_NODES: Final = 8_192
#: Bits of integer inputs whose element type has more, unless calibration needs more.
WHOLE_BITS: Final = 16
#: Bits of an input that trees read, beyond those of activations: whole bytes with the sign of a
#: difference.
FINE_BITS: Final = (23, 31)
#: Problems that a message spells out; ``details["nodes"]`` of the error has all of them.
MAX_SHOWN: Final = 20


@dataclass(frozen=True)
class Seen:
    """What calibration saw of the tensors, by name.

    Attributes:
        ranges: smallest and largest value of every float and integer tensor.
        kinds: element types of all tensors.
        shapes: of all tensors, without those that are constants of the file.
        copies: how many tensors share one range, for those that do.
        binary: inputs that are held to zeros and ones.
    """

    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    kinds: dict[str, np.dtype[Any]] = field(default_factory=dict)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    copies: dict[str, int] = field(default_factory=dict)
    binary: frozenset[str] = frozenset()

    def above(self, floors: Mapping[str, float]) -> Seen:
        """The same, but that no range of these tensors begins below its floor."""
        for name, floor in floors.items():
            low, high = self.ranges.get(name, (0.0, 0.0))
            self.ranges[name] = (max(low, floor), high)
        return self


@dataclass(frozen=True)
class Problem:
    """An input, node or output that has no circuit.

    Attributes:
        node: its name.
        operator: of the node; or "input" or "output", or which output it makes.
        reason: why it has none.
        hint: what to do about it.
    """

    node: str
    operator: str
    reason: str
    hint: str = "Replace these operators."

    def __str__(self) -> str:
        return f"{self.node} ({self.operator}): {self.reason}"


def _refusal(problems: Sequence[Problem], before: str = "") -> UnsupportedError:
    """The error that names all problems; ``before`` is what is said first."""
    shown = "; ".join(map(str, problems[:MAX_SHOWN]))
    more = f"; and {len(problems) - MAX_SHOWN} more" if len(problems) > MAX_SHOWN else ""
    return UnsupportedError(
        f"{before} {len(problems)} part(s) of the model have no circuit: {shown}{more}.".strip(),
        hint=" ".join(dict.fromkeys(problem.hint for problem in problems)),
        nodes=[
            {"node": problem.node, "operator": problem.operator, "reason": problem.reason}
            for problem in problems
        ],
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
        UnsupportedError: inputs, nodes and outputs that cannot be lowered, all of them, by name
            with the reason.
        InputError: calibration data on which a tensor is not finite.
        MissingExtraError: onnx, onnxruntime or onnxscript is not installed.
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
    proto, stated, seen = _observed(model, calibration)
    lowering = Lowering(
        options,
        seen.ranges,
        opset_of(proto),
        kinds=seen.kinds,
        shapes=seen.shapes,
        copies=seen.copies,
        binary=seen.binary,
    )
    numpy_helper = require("onnx.numpy_helper", "onnx", "reading an ONNX model")
    lowering.uses.update(name for node in proto.graph.node for name in node.input)
    lowering.uses.update(info.name for info in proto.graph.output)
    lowering.producers.update(
        {name: node for node in nodes_of(proto.graph) for name in node.outputs}
    )
    lowering.fine_inputs.update(fine_inputs(model, calibration))
    for tensor in proto.graph.initializer:
        lowering.folded[tensor.name] = np.asarray(numpy_helper.to_array(tensor))
    lowering.literals.update(stated)
    lowering.finer.update(fine_plateaus(lowering, nodes_of(proto.graph)))
    for name, bits in finer(lowering, nodes_of(proto.graph)).items():
        lowering.finer[name] = max(bits, lowering.finer.get(name, 0))
    problems: list[Problem] = []
    inputs = _inputs(model, lowering, problems)
    _nodes(proto, lowering, problems)
    outputs = _outputs(model, lowering, problems)
    if problems:
        raise _refusal(problems)
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


def _observed(
    model: Model, calibration: Sequence[tuple[npt.NDArray[Any], ...]]
) -> tuple[Any, set[str], Seen]:
    """The simplified model, its literals, and what calibration saw.

    The model as it is, where only that can be run: what simplification made is not its fault.
    """
    onnx = require("onnx", "onnx", "reading an ONNX model")
    proto, stated = simplified(model, calibration[0])
    made = near(proto, [info.name for info in model.inputs], calibration, stated)
    try:
        seen = calibrated(made.proto, model, calibration).above(made.floors)
        return made.proto, stated, replace(seen, binary=made.binary)
    except UnsupportedError:
        proto = onnx.load_from_string(model.onnx)
    try:
        return proto, literals(proto), calibrated(proto, model, calibration)
    except UnsupportedError as error:
        if problems := _without_rule(proto, model):
            raise _refusal(problems, error.message) from None
        raise


def simplified(model: Model, example: Sequence[npt.NDArray[Any]]) -> tuple[Any, set[str]]:
    """The ONNX model after constant folding, shape inference and fusion of normalisations.

    With the names of its :func:`literals`, those of operators that were written out included.

    Args:
        example: an array for each input, on which the model runs.
    """
    onnx = require("onnx", "onnx", "reading an ONNX model")
    optimizer = require("onnxscript.optimizer", "torch", "simplifying an ONNX model")
    proto = onnx.load_from_string(model.onnx)
    _require_few_nodes(proto)
    check_sizes(proto)
    proto = unrolled(proto)
    stated = literals(proto)
    proto = _without_tabular(proto, model, example)
    with quiet("onnxscript", "onnx_ir"):  # what it does not fold is lowered as it is: no news
        # what is folded first is a constant when operators are written out; their parts fold again
        # what folding decides of loops is written out then
        short = unrolled(_optimized(optimizer, proto))
        # what folding makes of parameters may be a Constant as well; the rules' are not of them
        before = {node.output[0] for node in short.graph.node if node.op_type == "Constant"}
        inputs = (info.name for info in model.inputs)
        long = expanded(with_shapes(short, dict(zip(inputs, example, strict=True))), stated)
        long.graph.ClearField("value_info")  # an example's shapes decide nothing else
        _require_few_nodes(long)
        stated = literals(long, stated, before)
        proto = _optimized(optimizer, long)
    check_sizes(proto)
    return proto, stated


def _without_tabular(proto: Any, model: Model, example: Sequence[npt.NDArray[Any]]) -> Any:
    """The model with operators of tabular models written out.

    Raises:
        UnsupportedError: some cannot be; all that the model has without a circuit, by name.
    """
    named = {info.name: array for info, array in zip(model.inputs, example, strict=True)}
    long, problems = written_out(proto, opset_of(proto), named)
    if problems:
        found = [Problem(node.name, node.op_type, reason) for node, reason in problems]
        raise _refusal([*found, *_without_rule(long, model)])
    return long


def _require_few_nodes(proto: Any) -> None:
    """Refuses what could not be proved; constants are not counted.

    Raises:
        UnsupportedError: more than MAX_LOWERED_NODES nodes.
    """
    count = sum(node.op_type != "Constant" for node in proto.graph.node)
    if count > MAX_LOWERED_NODES:
        raise UnsupportedError(
            f"The model has {count:,} nodes, those included that its operators are written out as; "
            f"the native backend takes MAX_LOWERED_NODES ({MAX_LOWERED_NODES:,}).",
            hint="Prove it in pieces, for instance a few layers or steps in one circuit.",
        )


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
        if stated and node.op_type not in RANDOM:
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
    onnx = require("onnx", "onnx", "reading an ONNX model")
    try:
        short = sealed(proto, optimizer.optimize)
        # its rules write nodes of newer operator sets than the model's
        onnx.checker.check_model(short, full_check=True)
    except Exception:
        # the errors of both share no base class; an unsimplified model is right as well
        return proto
    return short


def calibrated(
    proto: Any, model: Model, calibration: Sequence[tuple[npt.NDArray[Any], ...]]
) -> Seen:
    """Ranges, element types and shapes of all tensors over the calibration data.

    Raises:
        InputError: a value that depends on them is not finite.
        UnsupportedError: onnxruntime cannot run the model, or a constant of it is not finite.
    """
    seen = Seen()
    input_names = [info.name for info in model.inputs]
    depend = set(input_names)
    for node in proto.graph.node:
        if depend.intersection(node.input):
            depend.update(node.output)
    float_run = every_tensor(proto)
    for sample in calibration:
        feed = dict(zip(input_names, sample, strict=True))
        for name, value in [*feed.items(), *float_run(feed).items()]:
            if value.dtype.kind == "f" and not np.isfinite(value).all():
                if name not in depend:
                    raise UnsupportedError(f"Tensor {name!r}, a constant, is not finite.")
                raise InputError(f"Tensor {name!r} is not finite on calibration data.")
            _see(seen, name, value)
    ranges, copies = united(proto, seen.ranges)
    return replace(seen, ranges=ranges, copies=copies)


def _see(seen: Seen, name: str, array: npt.NDArray[Any]) -> None:
    seen.kinds[name], seen.shapes[name] = array.dtype, array.shape
    if array.dtype.kind not in "fiu" or not array.size:
        return
    low, high = float(array.min()), float(array.max())
    before = seen.ranges.get(name, (low, high))
    seen.ranges[name] = (min(low, before[0]), max(high, before[1]))


def _without_rule(proto: Any, model: Model) -> list[Problem]:
    """Nodes after an input whose operator cannot be lowered."""
    computed = {info.name for info in model.inputs}
    problems = []
    for item, node in zip(proto.graph.node, nodes_of(proto.graph), strict=True):
        if computed.intersection(node.inputs):
            computed.update(name for name in node.outputs if name)
            if node.op_type not in OPERATORS and node.domain != ML_DOMAIN:
                problems.append(_no_operator(item, node))
    return problems


def _inputs(model: Model, lowering: Lowering, problems: list[Problem]) -> tuple[int, ...]:
    nodes = []
    fixed = lowering.options.input_scales
    if unknown := sorted(set(fixed) - {info.name for info in model.inputs}):
        raise UsageError(
            f"input_scales names {unknown[0]!r}; the model's inputs are "
            f"{[info.name for info in model.inputs]}."
        )
    for position, info in enumerate(model.inputs):
        if is_whole(np.dtype(info.dtype)) or info.name in lowering.binary:
            nodes.append(_whole_input(info, position, lowering, problems))
            continue
        bits, scale = _width(info, lowering)
        lowering.builder.name = info.name
        tensor = lowering.builder.input(position, info.shape, bits, scale)
        lowering.tensors[info.name] = tensor
        nodes.append(tensor.node)
    return tuple(nodes)


def _width(info: TensorInfo, lowering: Lowering) -> tuple[int, int]:
    """Bits and scale of a float input. A fine one has the fewest bits at which its calibration data
    are exact, or as many as there may be.
    """
    name, bits = info.name, lowering.options.activation_bits
    largest = max(map(abs, lowering.ranges.get(name, (0.0, 0.0))))
    fixed = lowering.options.input_scales.get(name)
    if name not in lowering.fine_inputs or fixed is not None:
        return bits, lowering.scale(name) if fixed is None else fixed
    widths = [bits, *(wide for wide in FINE_BITS if wide > bits)]
    scales = {wide: lowering.scale_of(largest, wide) for wide in widths}
    for wide, scale in scales.items():
        if scale >= max(lowering.fine_inputs[name], 0):
            lowering.exact_inputs.add(name)
            return wide, scale
    return widths[-1], scales[widths[-1]]


def _whole_input(
    info: TensorInfo, position: int, lowering: Lowering, problems: list[Problem]
) -> int:
    """The node of an input of integers or booleans, at scale 0: all that an element type of at most
    16 bits holds; of a wider one 16 bits, or as many as calibration has seen.
    """
    kind = np.dtype(info.dtype)
    least, most = (int(end) for end in lowering.ranges.get(info.name, (0, 1)))
    binary = kind.kind == "b" or info.name in lowering.binary
    unsigned = binary or kind.kind == "u"
    seen = max(most.bit_length(), (-least - 1).bit_length() if least < 0 else 0) + (not unsigned)
    bits = 1 if binary else max(seen, min(8 * kind.itemsize, WHOLE_BITS))
    if bits > MAX_RANGED_BITS:
        reason = f"it reaches {max(-least, most):,}, and integers have {MAX_RANGED_BITS} bits"
        problems.append(Problem(info.name, "input", reason, "Give the model smaller integers."))
        bits = MAX_RANGED_BITS  # for the sake of what else there is to say
    if lowering.options.input_scales.get(info.name, 0):
        raise UsageError(f"Input {info.name!r} holds {info.dtype}: its scale is 0.")
    lowering.builder.name = info.name
    low = 0 if unsigned else None
    tensor = lowering.builder.input(position, info.shape, bits, 0, low)
    lowering.tensors[info.name] = tensor
    return tensor.node


def _nodes(proto: Any, lowering: Lowering, problems: list[Problem]) -> None:
    """Lowers all nodes; what cannot be lowered is added to the problems."""
    # what depends on an unsupported input or node is not at fault
    known = {*lowering.tensors, *lowering.folded}
    missing = {info.name for info in proto.graph.input} - known
    for item, node in zip(proto.graph.node, nodes_of(proto.graph), strict=True):
        lowering.builder.name = node.name
        if missing.intersection(node.inputs):
            missing.update(name for name in node.outputs if name)
            if node.op_type not in OPERATORS:
                problems.append(_no_operator(item, node))
            continue
        try:
            with _by_a_rule():
                _lower(item, node, lowering)
        except UnsupportedError as error:
            hint = error.hint or Problem.hint
            problems.append(Problem(node.name, node.op_type, error.message.rstrip("."), hint))
            missing.update(name for name in node.outputs if name)


@contextmanager
def _by_a_rule() -> Iterator[None]:
    """What a rule stumbles over, in a stranger's numbers, attributes or shapes, as its refusal."""
    try:
        yield
    except VerifaiError:
        raise
    except (KeyError, ValueError, IndexError, TypeError, ArithmeticError, MemoryError) as error:
        raise UnsupportedError(f"attributes or shapes that no rule covers ({error!r})") from None


def _no_operator(item: Any, node: OnnxNode) -> Problem:
    reason, hint = _without(item)
    return Problem(node.name, node.op_type, reason, hint)


def _without(item: Any) -> tuple[str, str]:
    """Why a ``NodeProto`` whose operator is not registered has no circuit, and what to do."""
    if (reason := noted(item, REFUSED)) is not None:
        return reason, NO_CIRCUIT.get(item.op_type, ("", Problem.hint))[1]
    if item.op_type in RULES:  # which cover some of its cases
        return "attributes or shapes that no rule covers", Problem.hint
    return NO_CIRCUIT.get(item.op_type, ("no such operator", Problem.hint))


def _lower(item: Any, node: OnnxNode, lowering: Lowering) -> None:
    """Lowers one node.

    Raises:
        UnsupportedError: no rule covers it.
    """
    if node.op_type in RANDOM:
        reason, hint = NO_CIRCUIT[node.op_type]
        raise UnsupportedError(reason, hint=hint)
    names = [name for name in node.inputs if name]
    if lowering.folded.keys() >= set(names):
        values = {name: lowering.folded[name] for name in names}
        lowering.folded.update(folded(item, values, lowering.opset))
        if names and lowering.literals.issuperset(names):
            lowering.literals.update(node.outputs)
        if node.op_type == "DequantizeLinear":
            constant(lowering, node)
        return
    if (exact := exactly(lowering, node)) is not None:
        _check_shape(lowering, node.outputs[0], exact)
        if isinstance(exact, Dequantised):
            lowering.dequantised[node.outputs[0]] = exact
        else:
            lowering.tensors[node.outputs[0]] = exact
        return
    if node.op_type not in OPERATORS:
        reason, hint = _without(item)
        raise UnsupportedError(reason, hint=hint)
    if node.op_type not in INTEGER_OPERATORS:
        for name in names:
            if name in lowering.tensors and lowering.kind(name).kind in "iu":
                raise UnsupportedError(
                    f"{name!r} holds integers that the model computes, which this operator would "
                    "round; cast them to float before"
                )
    made = OPERATORS[node.op_type](lowering, node)
    results = made if isinstance(made, list) else [made]
    for name, result in zip(node.outputs, results, strict=False):
        _check_shape(lowering, name, result)
        if isinstance(result, Tensor):
            lowering.tensors[name] = lowering.ranged(result, name)
        else:
            lowering.folded[name] = result


def _check_shape(
    lowering: Lowering, name: str, result: Tensor | Dequantised | npt.NDArray[Any]
) -> None:
    """What a rule makes has the shape that onnxruntime makes.

    Raises:
        UnsupportedError: the rule does not cover the node.
    """
    wanted = lowering.shapes.get(name, result.shape)
    if result.shape != wanted:
        raise UnsupportedError(
            f"shapes that no rule covers ({list(result.shape)} where onnxruntime makes "
            f"{list(wanted)})"
        )


def _outputs(model: Model, lowering: Lowering, problems: list[Problem]) -> tuple[int, ...]:
    nodes = []
    for info in model.outputs:
        if info.name in lowering.folded:
            reason = "it is a constant, there is nothing to prove"
            problems.append(Problem(info.name, "output", reason, "Remove the output."))
        elif not same_axes(made := lowering.shapes.get(info.name, info.shape), info.shape):
            reason = f"its shape depends on the data: {list(info.shape)}, and then {list(made)}"
            hint = "A circuit has one shape: leave out what selects by value."
            problems.append(Problem(info.name, "output", reason, hint))
        elif info.name in lowering.tensors or info.name in lowering.dequantised:
            try:
                with _by_a_rule():
                    if info.name not in lowering.tensors:
                        value = lowering.dequantised[info.name]
                        lowering.tensors[info.name] = real(lowering, value, info.name)
                    tensor = lowering.settled(lowering.tensors[info.name], info.name)
            except UnsupportedError as error:
                reason = error.message.rstrip(".")
                problems.append(Problem(info.name, "output", reason, error.hint or ""))
                continue
            lowering.tensors[info.name] = tensor
            nodes.append(tensor.node)
            largest = max(map(abs, lowering.ranges.get(info.name, (0.0, 0.0))))
            if tensor.scale < min(0, lowering.scale_of(largest)):
                problems.append(_too_coarse(lowering, info.name, tensor, largest))
    return tuple(nodes)


def _too_coarse(lowering: Lowering, name: str, tensor: Tensor, largest: float) -> Problem:
    """An output whose fixed point has steps larger than 1, and larger than its values need."""
    return Problem(
        lowering.builder.nodes[tensor.node].name,
        f"output {name!r}",
        f"it reaches {largest:.3g} and would be held in steps of {2.0**-tensor.scale:.3g}: the "
        "node enlarges values that are too small for fixed point",
        "Scale the weights before it, so that its factor is nearer to 1.",
    )
