"""Where a circuit loses its precision: the node with which its outputs come to be off.

The circuit's integers are taken up to some node, and float arithmetic goes on from there. With no
node in integers the outputs are the model's, with all of them they are the circuit's; in between is
a node before which the outputs are within the tolerance, and after which they are not. Bisection
finds it in a few float runs, and it weighs an error by what it does to the outputs: a tensor that
is far off but hardly read is not blamed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from verifai.errors import InputError
from verifai.graph.build import Lowered, lowered
from verifai.graph.float_run import every_tensor, rest
from verifai.graph.integer import Integers
from verifai.graph.lower import Options
from verifai.graph.run import dequantise, quantise_inputs, run
from verifai.model import Model

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Place:
    """A node, and the tensor that it makes.

    Attributes:
        node, operator: of ONNX; the operator of one of the model's inputs is ``input``.
        tensor: the node's first output.
        low, high: the tensor's float values in calibration.
        step: the unit of its integers.
        error: its largest error on the input that was looked at.
    """

    node: str
    operator: str
    tensor: str
    low: float
    high: float
    step: float
    error: float

    def __str__(self) -> str:
        what = (
            f"input {self.node!r}"
            if self.operator == "input"
            else f"node {self.node!r} ({self.operator})"
        )
        return (
            f"{what}: its values, {self.low:.4g} to {self.high:.4g}, are held in steps of "
            f"{self.step:.3g} and off by up to {self.error:.3g}"
        )


def locate(
    model: Model,
    calibration: Sequence[tuple[npt.NDArray[Any], ...]],
    options: Options,
    sample: tuple[npt.NDArray[Any], ...],
    off: Callable[[npt.NDArray[Any]], bool],
    output: int,
) -> Place | None:
    """The node with which an output comes to be off.

    Args:
        calibration, options: those that the circuit was built with.
        sample: an input on which it is off.
        off: whether this value of the output is.
        output: its position.

    Returns:
        None if tensors that the circuit does not compute leave their range on this input.
    """
    made = lowered(model, calibration, options)
    graph, name = made.graph, model.outputs[output].name
    inputs = dict(zip((info.name for info in model.inputs), sample, strict=True))
    floats = inputs | every_tensor(made.proto)(inputs)
    try:
        values = run(graph, quantise_inputs(graph, [array[None] for array in sample]), batch=True)
    except InputError:
        return None
    found = _as_floats(made, values, floats)
    nodes = made.proto.graph.node

    def is_off(first: int) -> bool:
        written = {made_ for node in nodes[first:] for made_ in node.output}
        if name not in written:
            return off(found[name])
        read = {read_ for node in nodes[first:] for read_ in node.input if read_}
        stored = {tensor.name for tensor in made.proto.graph.initializer}
        given = {one: found[one] for one in sorted(read - written - stored)}
        return off(rest(made.proto, first, [name], given)(given)[name])

    if is_off(0):
        blamed = max(inputs, key=lambda one: _off_alone(made, one, inputs, found, name, floats))
        return _place(made, blamed, "input", blamed, floats, found)
    within, beyond = 0, len(nodes)
    while beyond - within > 1:
        middle = (within + beyond) // 2
        within, beyond = (within, middle) if is_off(middle) else (middle, beyond)
    node = nodes[beyond - 1]
    label = node.name or f"{node.op_type}_{beyond - 1}"
    return _place(made, label, node.op_type, node.output[0], floats, found)


def _as_floats(made: Lowered, values: Sequence[Integers], floats: Arrays) -> Arrays:
    """The circuit's values of one inference under the tensors' names, in shape and dtype of the
    float run's; constants as they are.
    """
    found: Arrays = {}
    for name, real in floats.items():
        if name in made.lowering.folded:
            found[name] = made.lowering.folded[name]
        elif name in made.lowering.tensors:
            at = made.lowering.tensors[name].node
            reals = dequantise(made.graph, at, values[at])
            if made.graph.nodes[at].batched:
                reals = reals[0]
            found[name] = np.broadcast_to(reals, real.shape).astype(real.dtype)
        else:  # what no integer node stands for is read by none
            found[name] = real
    return found


def _off_alone(
    made: Lowered, one: str, inputs: Arrays, found: Arrays, output: str, floats: Arrays
) -> float:
    """Error of an output in float if this input alone is rounded."""
    given = inputs | {one: found[one]}
    return float(np.abs(rest(made.proto, 0, [output], given)(given)[output] - floats[output]).max())


def _place(
    made: Lowered,
    node: str,
    operator: str,
    tensor: str,
    floats: Mapping[str, npt.NDArray[Any]],
    found: Mapping[str, npt.NDArray[Any]],
) -> Place:
    real, ours = (np.asarray(each[tensor], np.float64) for each in (floats, found))
    low, high = made.lowering.ranges.get(tensor, (float(real.min()), float(real.max())))
    known = made.lowering.tensors.get(tensor)
    return Place(
        node=node,
        operator=operator,
        tensor=tensor,
        low=low,
        high=high,
        step=2.0**-known.scale if known else 0.0,
        error=float(np.abs(ours - real).max(initial=0.0)),
    )
