"""How much of ONNX has a circuit: ``python -m benchmarks.coverage [--verbose|--json|--table]``.

ONNX ships one small model per feature of each operator, with inputs and expected outputs. A case is
*in scope* if its data are tensors of float32, integers and booleans: one data input at least, no
output that is a constant, static shapes, an operator set that :func:`verifai.load` reads. It is a
case of *floats* if an input is one and all outputs are, else of *integers*. The parameters in
``FROZEN``, and in a case of floats all integers and booleans (axes, shapes, indices), are made
constants of the model, as every exporter writes them. The case itself is the calibration data.

A case *matches* if every output is as expected: an integer or boolean exactly, a float up to
``TOLERANCE`` of the largest expected value, plus ``UNITS`` units of the output, plus what rounding
the inputs to their fixed point does to the float model itself. A case that compiles and does not
match is *wrong*: there must be none.

``--table`` prints what ``docs/reference/operators.md`` shows: each operator of ``ai.onnx`` and
``ai.onnx.ml``, by what is registered and by what the cases say.
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

from benchmarks.operators import table
from verifai.errors import InputError, UnsupportedError, VerifaiError
from verifai.graph import IntegerGraph, build, dequantise, quantise_inputs, run
from verifai.graph.integer import Integers
from verifai.model import Model, load

#: Share of the largest expected value; 16-bit activations resolve 0.006 %.
TOLERANCE: Final = 1e-3
#: Units of the output.
UNITS: Final = 2.0
#: Inputs that are parameters, not data, by operator.
FROZEN: Final = {
    "BatchNormalization": (1, 2, 3, 4),
    "Clip": (1, 2),
    "Compress": (1,),
    "Conv": (1, 2),
    "ConvTranspose": (1, 2),
    "CumProd": (1,),
    "CumSum": (1,),
    "DeformConv": (1, 2, 3, 4),
    "Dropout": (1,),
    "Expand": (1,),
    "GatherND": (1,),
    "GridSample": (1,),
    "OneHot": (1, 2),
    "PRelu": (1,),
    "Pad": (1, 2, 3),
    "Pow": (1,),
    "QLinearConv": (1, 2, 3, 4, 5, 6, 7, 8),
    "QLinearMatMul": (1, 2, 4, 5, 6, 7),
    "QuantizeLinear": (1, 2),
    "ReduceMax": (1,),
    "ReduceMin": (1,),
    "Reshape": (1,),
    "Resize": (1, 2, 3),
    "ReverseSequence": (1,),
    "RoiAlign": (1, 2),
    "STFT": (1, 2, 3),
    "Tile": (1,),
    "TopK": (1,),
    "Trilu": (1,),
    "Upsample": (1,),
}
#: Operators whose result is a constant, whatever they are given.
CONSTANT: Final = frozenset(("ConstantOfShape", "EyeLike", "IsInf", "IsNaN", "Shape", "Size"))


@dataclass(frozen=True)
class Case:
    """One model of ONNX's with what goes in and comes out.

    Attributes:
        floats: whether its data and results are floats.
    """

    name: str
    floats: bool
    operators: tuple[str, ...]
    model: Model
    inputs: tuple[NDArray[Any], ...]
    outputs: tuple[NDArray[Any], ...]


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
        if not all(_in_scope(array) and array.size for array in outputs):
            continue
        if not all(np.isfinite(array).all() for array in outputs):
            continue
        case = _case(item.name, item.model, inputs, outputs)
        if case is not None:
            yield case


def _in_scope(array: NDArray[Any]) -> bool:
    return array.dtype == np.float32 or array.dtype.kind in "iub"


def _case(name: str, proto: Any, inputs: Any, outputs: Any) -> Case | None:
    operators = tuple(node.op_type for node in proto.graph.node)
    if len(operators) == 1 and operators[0] in CONSTANT:
        return None
    parameters = {
        node.input[position]
        for node in proto.graph.node
        for position in FROZEN.get(node.op_type, ())
        if position < len(node.input) and len(operators) == 1
    }
    given = dict(zip((info.name for info in proto.graph.input), inputs, strict=True))
    data = [name for name, array in given.items() if name not in parameters and array.size]
    floats = [name for name in data if given[name].dtype == np.float32]
    of_floats = bool(floats) and all(array.dtype == np.float32 for array in outputs)
    if of_floats:
        data = floats
    data = [name for name in data if _in_scope(given[name])]
    if not data:
        return None
    try:
        model = load(_frozen(proto, given, data))
    except VerifaiError:
        return None  # dynamic shapes, other domains, newer operator sets
    values = tuple(given[name] for name in data)
    return Case(name, of_floats, operators, model, values, tuple(outputs))


def _frozen(proto: Any, given: dict[str, NDArray[Any]], data: Sequence[str]) -> bytes:
    """The model with all inputs but ``data`` as constants."""
    import onnx

    frozen = onnx.ModelProto()
    frozen.CopyFrom(proto)
    infos = list(frozen.graph.input)
    del frozen.graph.input[:]
    frozen.graph.input.extend(info for info in infos if info.name in data)
    frozen.graph.initializer.extend(
        onnx.numpy_helper.from_array(np.asarray(array), name)
        for name, array in given.items()
        if name not in data
    )
    return bytes(frozen.SerializeToString())


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
        # of integers a run refuses what leaves their type
        return Outcome(case, "wrong" if case.floats else "refused", error.message)
    rounded = [
        dequantise(graph, node, array[0]).astype(given.dtype)
        for node, array, given in zip(graph.inputs, integers, case.inputs, strict=True)
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
        reals = expected.astype(np.float64)
        gap = float(np.abs(made.reshape(expected.shape) - reals).max())
        allowed = float(np.abs(moved.astype(np.float64) - reals).max())
        if expected.dtype.kind == "f":
            allowed += TOLERANCE * float(np.abs(reals).max())
            allowed += UNITS * 2.0 ** -graph.nodes[node].scale
        if gap > allowed:
            reason = f"off by {gap:.3g}, allowed {allowed:.3g}"
            return Outcome(case, "wrong", reason, graph, integers)
    return Outcome(case, "matches", "", graph, integers)


def figures(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """How many cases have each verdict, and why those that do not match do not."""
    groups = {
        "floats": [item for item in outcomes if item.case.floats],
        "integers": [item for item in outcomes if not item.case.floats],
    }
    return {
        **{
            name: {"cases": len(group), **Counter(item.verdict for item in group)}
            for name, group in groups.items()
        },
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
    parser.add_argument("--table", action="store_true", help="the table of operators, at once")
    arguments = parser.parse_args()
    if arguments.table:
        print(table(), end="")
        return
    outcomes = [outcome(case) for case in cases()]
    found = figures(outcomes)
    if arguments.json:
        print(json.dumps(found, indent=1))
        return
    for title in ("floats", "integers"):
        counts = found[title]
        matching = counts.get("matches", 0)
        print(
            f"{title}: {matching} of {counts['cases']} cases match "
            f"({100 * matching / max(1, counts['cases']):.1f} %), "
            f"{counts.get('refused', 0)} refused, {counts.get('wrong', 0)} wrong"
        )
    if arguments.verbose:
        for name, item in found["others"].items():
            print(f"{item['verdict']:8} {name}: {item['reason'][:200]}")


if __name__ == "__main__":
    main()
