"""Loop, Scan, If and sequences, decided by constants, against onnxruntime; what else is refused."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tests.graph.single import check, node
from tests.needs import skip_without
from verifai.circuit.lower import lower
from verifai.circuit.satisfied import unsatisfied
from verifai.circuit.visibility import Visibility
from verifai.circuit.witness import witness
from verifai.errors import UnsupportedError
from verifai.graph import IntegerGraph, build, quantise_inputs, run
from verifai.graph.unroll import MAX_UNROLLED_NODES, unrolled
from verifai.model import Model, load

skip_without("onnx", "onnxruntime", "torch")

#: As onnx.TensorProto has them.
FLOAT, INT, BOOL = 1, 7, 9


def info(name: str, kind: int = FLOAT, shape: Sequence[int] | None = None) -> Any:
    from onnx import helper

    return helper.make_tensor_value_info(name, kind, shape)


def constant(name: str, values: Any) -> Any:
    import onnx

    tensor = onnx.numpy_helper.from_array(np.asarray(values))
    return node("Constant", [], [name], value=tensor, name=f"make_{name}")


def graph(nodes: list[Any], inputs: list[Any], outputs: list[Any], weights: Any = ()) -> Any:
    import onnx
    from onnx import helper

    tensors = [onnx.numpy_helper.from_array(np.asarray(v), n) for n, v in dict(weights).items()]
    return helper.make_graph(nodes, "body", inputs, outputs, tensors)


def loop_body(nodes: list[Any], carried: Sequence[Any], outputs: Sequence[Any], **more: Any) -> Any:
    """A body that reads the number ``i`` and the condition ``on``, and passes on ``goes_on``."""
    inputs = [info("i", INT, []), info("on", BOOL, []), *carried]
    return graph(nodes, inputs, [info("goes_on", BOOL, []), *outputs], **more)


def model(
    nodes: list[Any],
    shape: Sequence[int],
    outputs: dict[str, Sequence[int]],
    constants: dict[str, Any] | None = None,
) -> Model:
    """Of an input x: the shapes of what a loop makes are not inferred."""
    from onnx import helper

    infos = [info(name, FLOAT, dims) for name, dims in outputs.items()]
    made = graph(nodes, [info("x", FLOAT, shape)], infos, constants or {})
    opsets = [helper.make_opsetid("", 18)]
    return load(helper.make_model(made, opset_imports=opsets, ir_version=8).SerializeToString())


def samples(shape: Sequence[int], count: int = 3) -> list[tuple[np.ndarray, ...]]:
    rng = np.random.default_rng(0)
    return [(rng.uniform(-1, 1, shape).astype(np.float32),) for _ in range(count)]


def holds(made: Model, shape: Sequence[int]) -> IntegerGraph:
    """The integers, the float model and the circuit agree; the integer graph."""
    inputs = samples(shape)
    found = check(made, inputs)
    integers = quantise_inputs(found, [array[np.newaxis] for array in inputs[0]])
    lowered = lower(found, Visibility())
    tensors = witness(lowered, run(found, integers, batch=True), 1)
    assert unsatisfied(lowered.operations, lowered.weights, tensors, 1) == []
    tensors[-1].reshape(-1)[-1] += 1
    assert unsatisfied(lowered.operations, lowered.weights, tensors, 1)
    return found


def keep() -> Any:
    return node("Identity", ["on"], ["goes_on"], name="keep")


def test_loop_with_states_captured_values_and_rows() -> None:
    """x is captured, s carried, each iteration's s a row; the body has a weight of its own."""
    body = loop_body(
        [
            keep(),
            node("Cast", ["i"], ["number"], to=FLOAT),
            node("Mul", ["s", "half"], ["kept"]),
            node("Add", ["kept", "x"], ["sum"]),
            node("Add", ["sum", "number"], ["next"]),
            node("Mul", ["next", "x"], ["row"], name="row"),
        ],
        [info("s", FLOAT, [3])],
        [info("next", FLOAT, [3]), info("row", FLOAT, [3])],
        weights={"half": np.float32([0.5, 0.25, -0.5])},
    )
    nodes = [node("Loop", ["count", "", "x"], ["last", "rows"], body=body)]
    outputs = {"last": (3,), "rows": (4, 3)}
    holds(model(nodes, (3,), outputs, {"count": np.int64(4)}), (3,))


def test_loop_until_a_counter_says_so() -> None:
    """``while n < limit: n = n + step``, the counter carried as a tensor; an output follows it."""
    body = loop_body(
        [
            constant("step", np.int64(2)),
            node("Add", ["n", "step"], ["m"], name="count"),
            constant("limit", np.int64(7)),
            node("Less", ["m", "limit"], ["goes_on"]),
            node("Mul", ["s", "x"], ["next"]),
        ],
        [info("n", INT, []), info("s", FLOAT, [2])],
        [info("m", INT, []), info("next", FLOAT, [2])],
    )
    nodes = [
        constant("start", np.int64(0)),
        constant("true", np.array(True)),
        node("Loop", ["", "true", "start", "x"], ["n_last", "last"], body=body),
        node("Cast", ["n_last"], ["reached"], to=FLOAT),
        node("Add", ["last", "reached"], ["y"]),
    ]
    holds(model(nodes, (2,), {"y": (2,)}), (2,))  # n: 2, 4, 6, 8


def test_loops_in_loops_and_a_branch_that_turns() -> None:
    """The inner trip count is the outer number; the branches have weights of one name."""
    inner = loop_body(
        [
            node("Identity", ["inner_on"], ["inner_goes_on"], name="inner_keep"),
            node("Mul", ["t", "x"], ["u"], name="inner_mul"),
        ],
        [],
        [],
    )
    del inner.input[:], inner.output[:]
    inner.input.extend([info("j", INT, []), info("inner_on", BOOL, []), info("t", FLOAT, [2])])
    inner.output.extend([info("inner_goes_on", BOOL, []), info("u", FLOAT, [2])])
    branches = [
        graph(
            [node(operator, ["v", f"w{name}"], [name], name=operator)],
            [],
            [info(name, FLOAT, [2])],
            {f"w{name}": np.float32([0.5, factor])},
        )
        for operator, name, factor in (("Mul", "a", 2.0), ("Add", "b", -1.0))
    ]
    body = loop_body(
        [
            keep(),
            node("Loop", ["i", "", "s"], ["v"], body=inner),
            constant("two", np.int64(2)),
            node("Less", ["i", "two"], ["early"]),
            node("If", ["early"], ["next"], then_branch=branches[0], else_branch=branches[1]),
        ],
        [info("s", FLOAT, [2])],
        [info("next", FLOAT, [2])],
    )
    nodes = [constant("four", np.int64(4)), node("Loop", ["four", "", "x"], ["y"], body=body)]
    holds(model(nodes, (2,), {"y": (2,)}), (2,))


def test_a_condition_of_shapes_takes_a_branch() -> None:
    """As exporters write a squeeze: what decides is the length of an axis."""
    then = graph([node("Squeeze", ["x", "axis"], ["a"])], [], [info("a")], {"axis": [1]})
    other = graph([node("Identity", ["x"], ["b"])], [], [info("b")])
    nodes = [
        node("Shape", ["x"], ["shape"]),
        node("Gather", ["shape", "axis_"], ["length"]),
        node("Equal", ["length", "one"], ["is_one"]),
        node("If", ["is_one"], ["z"], then_branch=then, else_branch=other),
        node("Mul", ["z", "z"], ["y"]),
    ]
    constants = {"axis_": np.int64(1), "one": np.int64(1)}
    holds(model(nodes, (3, 1), {"y": (3,)}, constants), (3, 1))


@pytest.mark.parametrize("seed", range(4))
def test_scan_over_random_axes(seed: int) -> None:
    """Two inputs along axes and in directions of their own, two outputs as well."""
    rng = np.random.default_rng(seed)
    steps, width = (int(n) for n in rng.integers(1, 5, 2))
    axes, backward = rng.integers(0, 2, 2).tolist(), rng.integers(0, 2, 2).tolist()
    out_axes, out_backward = rng.integers(0, 2, 2).tolist(), rng.integers(0, 2, 2).tolist()
    each = info("s", FLOAT, [width]), info("a", FLOAT, [width]), info("b", FLOAT, [width])
    body = graph(
        [
            node("Add", ["s", "a"], ["sum"], name="sum"),
            node("Mul", ["sum", "b"], ["next"], name="next"),
            node("Sub", ["a", "b"], ["gap"], name="gap"),
            node("Identity", ["next"], ["row"], name="row"),
        ],
        list(each),
        [info(name, FLOAT, [width]) for name in ("next", "gap", "row")],
    )
    shapes = [(steps, width) if axis == 0 else (width, steps) for axis in axes]
    nodes = [
        node("Slice", ["x", f"from_{i}", f"to_{i}"], [f"flat_{i}"], name=f"slice_{i}")
        for i in range(2)
    ]
    nodes += [
        node("Reshape", [f"flat_{i}", f"shape_{i}"], [f"x_{i}"], name=f"reshape_{i}")
        for i in range(2)
    ]
    nodes.append(
        node(
            "Scan",
            ["start", "x_0", "x_1"],
            ["last", "gaps", "rows"],
            body=body,
            num_scan_inputs=2,
            scan_input_axes=axes,
            scan_input_directions=backward,
            scan_output_axes=out_axes,
            scan_output_directions=out_backward,
        )
    )
    constants: dict[str, Any] = {"start": rng.normal(size=width).astype(np.float32)}
    for i in range(2):
        constants |= {
            f"from_{i}": np.array([i * steps * width]),
            f"to_{i}": np.array([(i + 1) * steps * width]),
            f"shape_{i}": np.array(shapes[i]),
        }
    made = [(steps, width) if axis == 0 else (width, steps) for axis in out_axes]
    outputs = {"last": (width,), "gaps": made[0], "rows": made[1]}
    whole = (2 * steps * width,)
    holds(model(nodes, whole, outputs, constants), whole)


@pytest.mark.filterwarnings("ignore")
def test_a_list_that_torch_scripts() -> None:
    """A loop that appends to a list, as TorchScript exports it."""
    import onnx
    import torch

    from tests.graph.appending import Appending

    file = io.BytesIO()
    scripted = torch.jit.script(Appending())
    torch.onnx.export(scripted, (torch.zeros(3, 4),), file, dynamo=False)
    proto = onnx.load_from_string(file.getvalue())
    assert "Loop" in {item.op_type for item in proto.graph.node}
    name = proto.graph.output[0].name
    proto.graph.output[0].CopyFrom(info(name, FLOAT, [3, 4]))  # the file says "any"
    holds(load(proto.SerializeToString()), (3, 4))


def test_sequences() -> None:
    """Split, changed, measured, joined along an old and a new axis."""
    nodes = [
        node("SplitToSequence", ["x"], ["parts"], axis=0, keepdims=0),
        node("SequenceAt", ["parts", "minus_one"], ["last"]),
        node("SequenceInsert", ["parts", "last", "one"], ["more"]),
        node("SequenceErase", ["more", "zero"], ["fewer"]),
        node("SequenceLength", ["fewer"], ["length"]),
        node("Cast", ["length"], ["count"], to=FLOAT),
        node("ConcatFromSequence", ["fewer"], ["stacked"], axis=0, new_axis=1),
        node("SequenceConstruct", ["stacked", "x"], ["two"]),
        node("ConcatFromSequence", ["two"], ["joined"], axis=1, name="joined"),
        node("Mul", ["joined", "count"], ["y"]),
    ]
    places = {"minus_one": np.int64(-1), "one": np.int64(1), "zero": np.int64(0)}
    holds(model(nodes, (3, 2), {"y": (3, 4)}, places), (3, 2))


def refused(nodes: list[Any], constants: dict[str, Any] | None = None) -> str:
    made = model(nodes, (2,), {"y": (2,)}, constants)
    with pytest.raises(UnsupportedError) as error:
        build(made, [(np.float32([0.5, 1.5]),)])
    return error.value.message


def body_of(*nodes: Any) -> Any:
    made = [*nodes, node("Mul", ["s", "x"], ["next"])]
    return loop_body(made, [info("s", FLOAT, [2])], [info("next", FLOAT, [2])])


def test_what_depends_on_data_is_refused_all_at_once() -> None:
    """A trip count, a condition and a branch that the model computes: each with what to do."""
    less = node("Less", ["largest", "most"], ["goes_on"], name="less")
    nodes = [
        node("ReduceMax", ["x"], ["largest"], keepdims=0),
        node("Cast", ["largest"], ["count"], to=INT),
        node("Loop", ["count", "", "x"], ["a"], body=body_of(keep()), name="by_count"),
        node("Loop", ["three", "", "x"], ["b"], body=body_of(less), name="by_condition"),
        node("Greater", ["largest", "most"], ["large"]),
        node(
            "If",
            ["large"],
            ["c"],
            then_branch=graph([node("Neg", ["x"], ["p"])], [], [info("p", FLOAT, [2])]),
            else_branch=graph([node("Abs", ["x"], ["q"])], [], [info("q", FLOAT, [2])]),
            name="by_data",
        ),
        node("Sum", ["a", "b", "c"], ["y"]),
    ]
    message = refused(nodes, {"three": np.int64(3), "most": np.float32(9)})
    assert "3 part(s)" in message
    assert "by_count (Loop): its trip count is computed by the model" in message
    assert "by_condition (Loop): its condition is computed by the model" in message
    assert "by_data (If): its condition is computed by the model" in message
    assert "choose with Where" in message


def test_a_long_chain_before_what_decides() -> None:
    """Chains are followed without recursion."""
    import onnx

    chain = [node("Add", [f"t{i}", "x"], [f"t{i + 1}"], name=f"add_{i}") for i in range(3000)]
    nodes = [
        node("Identity", ["x"], ["t0"]),
        *chain,
        node("Slice", ["t3000", "start", "end"], ["one"]),
        node("Cast", ["one"], ["count"], to=INT),
        node("Loop", ["count", "", "x"], ["y"], body=body_of(keep())),
    ]
    ends = {"start": np.array([0]), "end": np.array([1])}
    proto = onnx.load_from_string(model(nodes, (2,), {"y": (2,)}, ends).onnx)
    (entry,) = unrolled(proto).graph.node[-1].metadata_props
    assert entry.value.startswith("its trip count is computed by the model")


def test_too_many_steps() -> None:
    """The limit by its name, of a loop that never ends as of one that is too long."""
    import onnx

    for count in ("", "many"):
        nodes = [
            constant("many", np.int64(10**12)),
            constant("true", np.array(True)),
            node("Loop", [count, "true", "x"], ["y"], body=body_of(keep())),
        ]
        proto = onnx.load_from_string(model(nodes, (2,), {"y": (2,)}).onnx)
        left = unrolled(proto).graph.node[-1]
        (entry,) = left.metadata_props
        assert left.op_type == "Loop"
        assert f"MAX_UNROLLED_NODES ({MAX_UNROLLED_NODES:,}): prove fewer steps" in entry.value


def test_shapes_follow_from_lengths_that_are_computed_on_the_way() -> None:
    """Padding as torch exports it: its widths go through ConstantOfShape, Reshape and Transpose."""
    import onnx

    zero = onnx.numpy_helper.from_array(np.array([0]))
    widths = [
        node("ConstantOfShape", ["four"], ["zeros"], name="zeros", value=zero),
        node("Concat", ["two", "zeros"], ["pairs"], axis=0, name="pairs"),
        node("Reshape", ["pairs", "square"], ["rows"], name="rows"),
        node("Transpose", ["rows"], ["columns"], perm=[1, 0], name="columns"),
        node("Reshape", ["columns", "flat"], ["widths"], name="widths"),
        node("Pad", ["x", "widths"], ["padded"], name="padded"),
        node("Shape", ["padded"], ["lengths"], name="lengths"),
        node("Gather", ["lengths", "last"], ["length"], axis=0, name="length"),
        node("Equal", ["length", "wanted"], ["long"], name="long"),
    ]
    twice = graph([node("Add", ["padded", "padded"], ["t"], name="t")], [], [info("t")])
    once = graph([node("Identity", ["padded"], ["o"], name="o")], [], [info("o")])
    choice = node("If", ["long"], ["y"], then_branch=twice, else_branch=once)
    constants = {
        "four": np.array([2]), "two": np.array([0, 3]), "square": np.array([2, 2]),
        "flat": np.array([-1]), "last": np.array(0), "wanted": np.array(5),
    }  # fmt: skip
    made = model([*widths, choice], [2, 4], {"y": [5, 4]}, constants)
    holds(made, [2, 4])
