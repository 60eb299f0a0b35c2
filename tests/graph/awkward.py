"""Models that are hard on 16-bit fixed point, as data: seeded, tiny, one idea each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import verifai
from tests.graph.models import chain, loaded

Inputs = tuple[np.ndarray, ...]

FLOAT32_MIN = float(np.finfo(np.float32).min)


@dataclass(frozen=True)
class Awkward:
    """One model.

    Attributes:
        name: says what is awkward.
        model: makes it.
        blamed: operators of the node that a refusal may name; none if it has to compile.
        between: the inputs' smallest and largest value.
        sample: makes one inference's inputs, where uniform ones will not do.
    """

    name: str
    model: Callable[[], verifai.Model]
    blamed: tuple[str, ...] = ()
    between: tuple[float, float] = (-1.0, 1.0)
    sample: Callable[[np.random.Generator], Inputs] | None = None

    def __str__(self) -> str:
        return self.name

    def samples(self, model: verifai.Model, count: int, seed: int) -> list[Inputs]:
        """Seeded inputs."""
        rng = np.random.default_rng(seed)
        if self.sample is not None:
            return [tuple(map(np.float32, self.sample(rng))) for _ in range(count)]
        return [
            tuple(
                rng.uniform(*self.between, info.shape).astype(np.float32) for info in model.inputs
            )
            for _ in range(count)
        ]


def weights(*shape: int, size: float = 1.0, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng([seed, *shape])
    return (rng.normal(size=shape) * size / np.sqrt(shape[0])).astype(np.float32)


def in_a_row(*nodes: tuple[Any, ...], shape: tuple[int, ...] = (1, 6), opset: int = 18) -> Any:
    """Operators one after the other: (operator, constant, ..., attributes if any)."""
    steps = []
    for operator, *rest in nodes:
        attributes = rest.pop() if rest and isinstance(rest[-1], dict) else {}
        steps.append((operator, rest, attributes))
    return lambda: chain(steps, shape, opset)


def graph(
    nodes: list[tuple[Any, ...]],
    inputs: dict[str, tuple[int, ...]],
    constants: dict[str, Any],
    outputs: tuple[str, ...] = ("y",),
) -> Callable[[], verifai.Model]:
    """Any graph: (operator, inputs, output, attributes if any)."""

    def made() -> verifai.Model:
        from onnx import TensorProto, helper, numpy_helper

        return loaded(
            [
                helper.make_node(op, names, [out], name=f"{op}_{i}", **(rest[0] if rest else {}))
                for i, (op, names, out, *rest) in enumerate(nodes)
            ],
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()],
            [numpy_helper.from_array(_constant(v), n) for n, v in constants.items()],
            list(outputs),
        )

    return made


def _constant(value: Any) -> np.ndarray:
    """Integers and truth values as they are, all else as float32."""
    array = np.asarray(value)
    return array if array.dtype.kind in "ib" else array.astype(np.float32)


def added_mask(size: float) -> Callable[[], verifai.Model]:
    """softmax(x + mask), as attention over padded tokens does."""
    return in_a_row(("Add", np.float32([0, 0, 0, 0, size, size])), ("Softmax",))


T, D = 5, 4
CAUSAL = np.triu(np.ones((T, T), bool), 1)


def attention(masking: list[tuple[Any, ...]], constants: dict[str, Any], **inputs: Any) -> Any:
    """One head; ``masking`` makes ``masked`` of ``scores``."""
    nodes = [
        ("MatMul", ["x", "q"], "queries"),
        ("MatMul", ["x", "k"], "keys"),
        ("Transpose", ["keys"], "turned", {"perm": [1, 0]}),
        ("MatMul", ["queries", "turned"], "scores"),
        *masking,
        ("Softmax", ["masked"], "shares"),
        ("MatMul", ["x", "v"], "values"),
        ("MatMul", ["shares", "values"], "y"),
    ]
    matrices = {name: weights(D, D, seed=i, size=2) for i, name in enumerate("qkv")}
    return graph(nodes, {"x": (T, D), **inputs}, {**matrices, **constants})


def causal_fill(size: float) -> Any:
    """masked_fill: a boolean where with a constant condition."""
    masking = [("Where", ["above", "size", "scores"], "masked")]
    return attention(masking, {"above": CAUSAL, "size": size})


def causal_added(size: float) -> Any:
    return attention(
        [("Add", ["scores", "mask"], "masked")], {"mask": np.where(CAUSAL, np.float32(size), 0)}
    )


def padding(size: float) -> Any:
    """(1 - kept) * size, as BERT adds it to the scores."""
    masking = [
        ("Sub", ["one", "kept"], "dropped"),
        ("Mul", ["dropped", "size"], "mask"),
        ("Add", ["scores", "mask"], "masked"),
    ]
    return attention(masking, {"one": 1.0, "size": size}, kept=(1, T))


def padding_where(size: float) -> Any:
    masking = [
        ("Greater", ["kept", "half"], "holds"),
        ("Where", ["holds", "scores", "size"], "masked"),
    ]
    return attention(masking, {"half": 0.5, "size": size}, kept=(1, T))


def tokens(rng: np.random.Generator) -> Inputs:
    """Token vectors, and which of them are no padding: the first is always one."""
    kept = np.arange(T)[None] < rng.integers(1, T + 1)
    return rng.uniform(-1, 1, (T, D)), kept


OUTLIER = np.float32([1000, 1, 1, 1, 1, 1])


def outlier(rng: np.random.Generator) -> Inputs:
    return (rng.uniform(-1, 1, (1, 6)) * OUTLIER,)


LAYER = ("LayerNormalization", np.ones(6, np.float32), np.zeros(6, np.float32))
ROOT_MEAN_SQUARE = [
    ("Mul", ["x", "x"], "squares"),
    ("ReduceMean", ["squares", "axes"], "mean"),
    ("Add", ["mean", "epsilon"], "shifted"),
    ("Sqrt", ["shifted"], "spread"),
    ("Div", ["x", "spread"], "normal"),
]


def root_mean_square(*more: tuple[Any, ...], **constants: Any) -> Any:
    nodes = [*ROOT_MEAN_SQUARE, *(more or [("Identity", ["normal"], "y")])]
    return graph(nodes, {"x": (1, 6)}, {"axes": [1], "epsilon": 1e-5, **constants})


def stack(operator: str, depth: int, size: float) -> Any:
    """Linear layers with a saturating function each."""
    layers = [(("MatMul", weights(6, 6, seed=i, size=size)), (operator,)) for i in range(depth)]
    return in_a_row(*(step for layer in layers for step in layer))


def residual(depth: int) -> Any:
    """A stream to which each layer adds."""
    nodes, constants, before = [], {}, "x"
    for i in range(depth):
        constants[f"w{i}"] = weights(6, 6, seed=i, size=1.5)
        nodes += [
            ("MatMul", [before, f"w{i}"], f"m{i}"),
            ("Tanh", [f"m{i}"], f"t{i}"),
            ("Add", [before, f"t{i}"], f"s{i}"),
        ]
        before = f"s{i}"
    return graph([*nodes, ("Identity", [before], "y")], {"x": (1, 6)}, constants)


TWO = {"x": (1, 6), "z": (1, 6)}
SMALL = np.float32([1, 1e-2, 1e-4, 1e-5])

MASKS = [
    Awkward("mask of float32's smallest", added_mask(FLOAT32_MIN)),
    Awkward("mask of -1e9", added_mask(-1e9)),
    Awkward("mask of -1e6", added_mask(-1e6)),
    Awkward("mask of -1e4", added_mask(-1e4)),
    Awkward("mask of -1e3", added_mask(-1e3)),
    Awkward("mask of -50", added_mask(-50.0)),
    Awkward("mask of -20", added_mask(-20.0)),
    Awkward("causal fill of float32's smallest", causal_fill(FLOAT32_MIN)),
    Awkward("causal fill of -1e9", causal_fill(-1e9)),
    Awkward("causal fill of -1e4", causal_fill(-1e4)),
    Awkward("causal fill of -50", causal_fill(-50.0)),
    Awkward("causal mask of -1e9 added", causal_added(-1e9)),
    Awkward("causal mask of -30 added", causal_added(-30.0)),
    Awkward("padding of float32's smallest", padding(FLOAT32_MIN), sample=tokens),
    Awkward("padding of -1e4", padding(-1e4), sample=tokens),
    Awkward("padding of -50", padding(-50.0), sample=tokens),
    Awkward("padding where -1e9", padding_where(-1e9), sample=tokens),
    Awkward("padding where -50", padding_where(-50.0), sample=tokens),
]

NORMS = [
    Awkward(
        "LayerNorm with an outlier channel",
        in_a_row(LAYER),
        sample=outlier,
    ),
    Awkward("RMSNorm with an outlier channel", root_mean_square(), sample=outlier),
    Awkward(
        "LayerNorm, the weak channels only",
        in_a_row(LAYER, ("MatMul", np.eye(6, dtype=np.float32)[:, 1:] * 500)),
        ("input",),
        sample=outlier,
    ),
    Awkward(
        "RMSNorm, the weak channels only",
        root_mean_square(
            ("MatMul", ["normal", "w"], "y"), w=np.eye(6, dtype=np.float32)[:, 1:] * 500
        ),
        ("input", "Div"),
        sample=outlier,
    ),
    Awkward("LayerNorm of tiny values", in_a_row(LAYER), between=(-1e-4, 1e-4)),
    Awkward("LayerNorm of large values", in_a_row(LAYER), between=(-1e4, 1e4)),
    Awkward(
        "LayerNorm of nearly equal values",
        in_a_row(LAYER),
        ("input",),
        between=(100, 100.01),
    ),
    Awkward(
        "variance as a difference of squares",
        graph(
            [
                ("Mul", ["x", "x"], "squares"),
                ("ReduceMean", ["squares", "axes"], "of squares"),
                ("ReduceMean", ["x", "axes"], "mean"),
                ("Mul", ["mean", "mean"], "square"),
                ("Sub", ["of squares", "square"], "y"),
            ],
            {"x": (1, 6)},
            {"axes": [1]},
        ),
        ("input", "Mul", "ReduceMean"),
        between=(50, 51),
    ),
]

SIZES = [
    Awkward("weights of 1e-30", in_a_row(("MatMul", weights(6, 3, size=1e-30))), ("MatMul",)),
    Awkward("weights of 1e-8", in_a_row(("MatMul", weights(6, 3, size=1e-8)))),
    Awkward(
        "weights of 1e-20, undone",
        in_a_row(("MatMul", weights(6, 3, size=1e-20)), ("Mul", np.float32(1e20))),
        ("MatMul",),
    ),
    Awkward(
        "weights of 1e6, undone",
        in_a_row(("MatMul", weights(6, 3, size=1e6)), ("Mul", np.float32(1e-6))),
    ),
    Awkward(
        "weights of 1e20, undone",
        in_a_row(("MatMul", weights(6, 3, size=1e20)), ("Mul", np.float32(1e-20))),
        ("MatMul",),
    ),
    Awkward(
        "channels of very different size, undone",
        in_a_row(("MatMul", weights(6, 4) * SMALL), ("Mul", 1 / SMALL)),
        ("MatMul",),
    ),
    Awkward("inputs of 1e-6", in_a_row(("MatMul", weights(6, 3))), between=(-1e-6, 1e-6)),
    Awkward(
        "inputs of very different size, weighted alike",
        in_a_row(("Mul", 1 / OUTLIER**1.3)),
        ("input",),
        sample=lambda rng: (rng.uniform(-1, 1, (1, 6)) * OUTLIER**1.3,),
    ),
]

OFFSETS = [
    Awkward(
        "cancellation",
        in_a_row(("Sub", np.float32(100)), ("Mul", np.float32(1000))),
        ("input",),
        between=(99.99, 100.01),
    ),
    Awkward(
        "an offset of 1e4 and back",
        in_a_row(("Tanh",), ("Add", np.float32(1e4)), ("Relu",), ("Sub", np.float32(1e4))),
        ("Add",),
    ),
    Awkward("an offset of 10 and back", in_a_row(("Add", np.float32(10)), ("Sub", np.float32(10)))),
    Awkward("nearly constant", in_a_row(("Add", np.float32(1000)), ("Relu",)), ("Add",)),
    Awkward(
        "constant but for rounding", in_a_row(("Mul", np.float32(1e-5)), ("Add", np.float32(1000)))
    ),
    Awkward("constant zero", in_a_row(("Mul", np.float32(0)), ("Relu",))),
]

FUNCTIONS = [
    Awkward("20 sigmoids", stack("Sigmoid", 20, 1.0)),
    Awkward("20 steep sigmoids", stack("Sigmoid", 20, 12.0)),
    Awkward("20 tanhs", stack("Tanh", 20, 1.0)),
    Awkward("10 residual layers", residual(10)),
    Awkward("exp of a wide range", in_a_row(("Mul", np.float32(6)), ("Exp",))),
    Awkward(
        "exp of a wide range, undone",
        in_a_row(("Mul", np.float32(9)), ("Exp",), ("Add", np.float32(1)), ("Log",)),
        ("Exp",),
    ),
    Awkward("peaked softmax", in_a_row(("Mul", np.float32(200)), ("Softmax",))),
    Awkward(
        "division by small numbers",
        graph(
            [
                ("Mul", ["z", "z"], "square"),
                ("Add", ["square", "least"], "divisor"),
                ("Div", ["x", "divisor"], "y"),
            ],
            TWO,
            {"least": 1e-4},
        ),
        ("Mul", "Add", "Div", "input"),
    ),
    Awkward(
        "root near zero",
        in_a_row(("Mul", np.float32(1e-4)), ("Abs",), ("Sqrt",)),
    ),
    Awkward(
        "product of 16 factors",
        in_a_row(("ReduceProd", {"axes": [1]}), shape=(1, 16), opset=17),
        between=(0.5, 1.5),
    ),
    Awkward("sum of 4,096", in_a_row(("ReduceSum", {"keepdims": 1}), shape=(1, 4096))),
    Awkward(
        "small difference of long sums",
        in_a_row(
            ("MatMul", np.ones((1024, 1), np.float32)),
            ("Relu",),
            ("Sub", np.float32(512)),
            shape=(1, 1024),
        ),
        between=(0, 1),
    ),
]

OUTPUTS = [
    Awkward(
        "two outputs of very different size",
        graph(
            [("Mul", ["x", "c"], "y"), ("Mul", ["x", "d"], "w")],
            {"x": (1, 6)},
            {"c": 1e4, "d": 1e-4},
            ("y", "w"),
        ),
    ),
    Awkward(
        "one of two outputs is off",
        graph(
            [
                ("Tanh", ["x"], "y"),
                ("Mul", ["x", "nine"], "n"),
                ("Exp", ["n"], "e"),
                ("Add", ["e", "one"], "p"),
                ("Log", ["p"], "w"),
            ],
            {"x": (1, 6)},
            {"nine": 9.0, "one": 1.0},
            ("y", "w"),
        ),
        ("Exp",),
    ),
    Awkward(
        "an answer among masked ones",
        in_a_row(("Tanh",), ("Add", np.float32([0, 0, 0, -9e3, -9e3, -9e3]))),
        ("Add",),
    ),
    Awkward(
        "several rows",
        in_a_row(("Add", np.float32([0, 0, -1e6])), ("Softmax",), shape=(4, 3)),
    ),
]

MODELS = [*MASKS, *NORMS, *SIZES, *OFFSETS, *FUNCTIONS, *OUTPUTS]
