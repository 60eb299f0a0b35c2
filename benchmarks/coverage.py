"""How much of ONNX the integer graph covers: ``python -m benchmarks.coverage [--verbose|--json]``.

ONNX ships one small model per feature of each operator, with inputs and expected outputs. A case is
*in scope* if its data are floats: one float input at least, float outputs only, static shapes, an
operator set that :func:`verifai.load` reads. Integer and boolean inputs (axes, shapes, indices) and
the parameters in ``FROZEN`` are made constants of the model, as every exporter writes them. The
case itself is the calibration data.

A case *matches* if every output is as expected up to ``TOLERANCE`` of the largest expected value,
plus ``UNITS`` units of the output, plus what rounding the inputs to their fixed point does to the
float model itself. A case that compiles and does not match is *wrong*: there must be none.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from verifai.errors import InputError, UnsupportedError, VerifaiError
from verifai.graph import IntegerGraph, build, dequantise, quantise_inputs, run
from verifai.graph.expand import RULES
from verifai.graph.integer import Integers
from verifai.graph.lower import OPERATORS
from verifai.model import Model, load

#: Share of the largest expected value; 16-bit activations resolve 0.006 %.
TOLERANCE: Final = 1e-3
#: Units of the output.
UNITS: Final = 2.0
#: Float inputs that are parameters, not data, by operator.
FROZEN: Final = {
    "BatchNormalization": (1, 2, 3, 4),
    "Clip": (1, 2),
    "Conv": (1, 2),
    "ConvTranspose": (1, 2),
    "Dropout": (1,),
    "PRelu": (1,),
    "Pad": (2,),
    "Pow": (1,),
    "Resize": (1, 2),
    "Upsample": (1,),
}


@dataclass(frozen=True)
class Case:
    """One model of ONNX's with what goes in and comes out."""

    name: str
    operators: tuple[str, ...]
    model: Model
    inputs: tuple[NDArray[Any], ...]
    outputs: tuple[NDArray[Any], ...]

    @property
    def listed(self) -> bool:
        """Whether every operator is one that the integer graph lists."""
        known = {"Constant", *OPERATORS, *RULES}
        return all(operator in known for operator in self.operators)


@dataclass(frozen=True)
class Outcome:
    """What became of a case: ``matches``, ``refused`` or ``wrong``, and why.

    Attributes:
        graph, integers: what it compiled to, and its inputs as a batch of one; None if it did not.
    """

    case: Case
    verdict: str
    reason: str
    graph: IntegerGraph | None = None
    integers: list[Integers] | None = None


def cases() -> Iterator[Case]:
    """All cases in scope."""
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ONNX's own cases divide by zero on purpose
        collected = collect_testcases(None)
    for item in collected:
        if item.model is None or not item.data_sets:
            continue
        inputs, outputs = item.data_sets[0]
        if not all(isinstance(array, np.ndarray) for array in (*inputs, *outputs)):
            continue
        if not all(array.dtype == np.float32 and array.size for array in outputs):
            continue
        if not all(np.isfinite(array).all() for array in outputs):
            continue
        case = _case(item.name, item.model, inputs, outputs)
        if case is not None:
            yield case


def _case(name: str, proto: Any, inputs: Any, outputs: Any) -> Case | None:
    import onnx

    frozen = onnx.ModelProto()
    frozen.CopyFrom(proto)
    graph = frozen.graph
    operators = tuple(node.op_type for node in graph.node)
    parameters = {
        node.input[position]
        for node in graph.node
        for position in FROZEN.get(node.op_type, ())
        if position < len(node.input) and len(graph.node) == 1
    }
    data = []
    infos = list(graph.input)
    del graph.input[:]
    for info, array in zip(infos, inputs, strict=True):
        if array.dtype == np.float32 and info.name not in parameters:
            graph.input.append(info)
            data.append(array)
        else:
            graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(array), info.name))
    if not data:
        return None
    try:
        model = load(frozen.SerializeToString())
    except VerifaiError:
        return None  # dynamic shapes, other domains, newer operator sets
    return Case(name, operators, model, tuple(data), tuple(outputs))


def outcome(case: Case) -> Outcome:
    """Compiles and runs one case."""
    try:
        graph = build(case.model, [case.inputs])
    except (UnsupportedError, InputError) as error:  # a tensor that is not finite is the input's
        return Outcome(case, "refused", error.message)
    try:
        integers = quantise_inputs(graph, [array[np.newaxis] for array in case.inputs])
        values = run(graph, integers, batch=True)
    except InputError as error:  # the circuit was calibrated for this very input
        return Outcome(case, "wrong", error.message, graph)
    rounded = [
        dequantise(graph, node, array[0]).astype(np.float32)
        for node, array in zip(graph.inputs, integers, strict=True)
    ]
    try:
        near = case.model.run(rounded[0] if len(rounded) == 1 else tuple(rounded))
    except UnsupportedError:
        near = case.outputs  # onnxruntime runs some of ONNX's models only when they are simplified
    for node, expected, moved in zip(graph.outputs, case.outputs, near, strict=True):
        made = dequantise(graph, node, values[node])
        made = made[0] if graph.nodes[node].batched else made
        if made.size != expected.size:
            reason = f"shape {made.shape}, expected {expected.shape}"
            return Outcome(case, "wrong", reason, graph, integers)
        gap = float(np.abs(made.reshape(expected.shape) - expected).max())
        allowed = (
            TOLERANCE * float(np.abs(expected).max())
            + UNITS * 2.0 ** -graph.nodes[node].scale
            + float(np.abs(moved - expected).max())
        )
        if gap > allowed:
            reason = f"off by {gap:.3g}, allowed {allowed:.3g}"
            return Outcome(case, "wrong", reason, graph, integers)
    return Outcome(case, "matches", "", graph, integers)


def figures(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """How many cases have each verdict, and why those that do not match do not."""
    listed = [item for item in outcomes if item.case.listed]
    return {
        "listed": {"cases": len(listed), **Counter(item.verdict for item in listed)},
        "all": {"cases": len(outcomes), **Counter(item.verdict for item in outcomes)},
        "others": {
            item.case.name: {"verdict": item.verdict, "reason": item.reason}
            for item in outcomes
            if item.verdict != "matches"
        },
    }


def main() -> None:
    """Prints the figures; with ``--verbose`` or ``--json`` every case that does not match."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--verbose", action="store_true", help="list what does not match")
    parser.add_argument("--json", action="store_true", help="the same for machines")
    arguments = parser.parse_args()
    outcomes = [outcome(case) for case in cases()]
    if arguments.json:
        print(json.dumps(figures(outcomes), indent=1))
        return
    listed = [item for item in outcomes if item.case.listed]
    for title, group in (("operators listed", listed), ("all operators", outcomes)):
        verdicts = Counter(item.verdict for item in group)
        share = 100 * verdicts["matches"] / max(1, len(group))
        print(
            f"{title}: {verdicts['matches']} of {len(group)} cases match ({share:.1f} %), "
            f"{verdicts['refused']} refused, {verdicts['wrong']} wrong"
        )
    if arguments.verbose:
        for item in outcomes:
            if item.verdict != "matches":
                print(
                    f"{item.verdict:8} {'+' if item.case.listed else '-'} {item.case.name}: "
                    f"{item.reason[:200]}"
                )


if __name__ == "__main__":
    main()
