"""One-node ONNX models with seeded data, one family of cases per operator."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import verifai

#: onnx.TensorProto.FLOAT
FLOAT = 1


@dataclass(frozen=True)
class Case:
    """An operator applied to float inputs of given shapes.

    Attributes:
        shapes: of the computed inputs, in order.
        constants: position of an input -> its values.
        between: the inputs' smallest and largest value.
    """

    operator: str
    shapes: tuple[tuple[int, ...], ...]
    constants: dict[int, Any] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    between: tuple[float, float] = (-2.0, 2.0)
    opset: int = 18
    outputs: int = 1

    def __str__(self) -> str:
        shown = [str(shape).replace(" ", "") for shape in self.shapes]
        shown += [f"{k}={v}".replace(" ", "") for k, v in self.attributes.items()]
        return "-".join([self.operator, *shown])[:90]

    @property
    def seed(self) -> int:
        return zlib.crc32(f"{self}{sorted(self.constants)}".encode())

    def samples(self, count: int, share: float = 1.0) -> list[tuple[np.ndarray, ...]]:
        """Seeded inputs; ``share`` of the range around its middle."""
        rng = np.random.default_rng(self.seed + count)
        low, high = self.between
        middle, half = (low + high) / 2, (high - low) / 2 * share
        return [
            tuple(
                rng.uniform(middle - half, middle + half, shape).astype(np.float32)
                for shape in self.shapes
            )
            for _ in range(count)
        ]

    def learned(self) -> bool:
        """Whether a constant holds floats."""
        given = (value for value in self.constants.values() if value is not None)
        return any(_array(value).dtype == np.float32 for value in given)

    def model(self) -> verifai.Model:
        from onnx import TensorProto, helper, numpy_helper

        names, infos, constants = [], [], []
        shapes = iter(self.shapes)
        positions = len(self.shapes) + len(self.constants)
        highest = max([positions - 1, *self.constants])
        for position in range(highest + 1):
            name = f"i{position}"
            if position in self.constants:
                value = self.constants[position]
                if value is None:
                    names.append("")
                    continue
                constants.append(numpy_helper.from_array(_array(value), name))
            else:
                shape = next(shapes)
                infos.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
            names.append(name)
        outputs = [f"y{i}" for i in range(self.outputs)]
        node = helper.make_node(self.operator, names, outputs, name="node", **self.attributes)
        return loaded([node], infos, constants, outputs, self.opset)


def _array(value: Any) -> np.ndarray:
    array = np.asarray(value)
    return array.astype(np.float32) if array.dtype == np.float64 else array


def loaded(
    nodes: list[Any], inputs: list[Any], constants: list[Any], outputs: list[str], opset: int = 18
) -> verifai.Model:
    """A model whose output shapes are found by running it."""
    import onnxruntime as ort
    from onnx import TensorProto, helper

    infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    graph = helper.make_graph(nodes, "test", inputs, infos, constants)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    session = ort.InferenceSession(proto.SerializeToString())
    ones = {
        info.name: np.ones([d.dim_value for d in info.type.tensor_type.shape.dim], np.float32)
        for info in inputs
    }
    del graph.output[:]
    for name, array in zip(outputs, session.run(outputs, ones), strict=True):
        graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, array.shape))
    proto.graph.CopyFrom(graph)
    return verifai.load(proto.SerializeToString())


def chain(nodes: list[tuple[Any, ...]], shape: tuple[int, ...], opset: int = 18) -> verifai.Model:
    """Operators one after the other: (operator, constants, attributes)."""
    from onnx import TensorProto, helper, numpy_helper

    made, constants, before = [], [], "x"
    for index, (operator, values, attributes) in enumerate(nodes):
        names = [before]
        for value in values:
            names.append(f"c{index}_{len(names)}")
            constants.append(numpy_helper.from_array(_array(value), names[-1]))
        before = f"t{index}"
        made.append(
            helper.make_node(operator, names, [before], name=f"{operator}_{index}", **attributes)
        )
    info = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    return loaded(made, [info], constants, [before], opset)


def _random(*shape: int, low: float = -1.0, high: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(zlib.crc32(repr(shape).encode()))
    return rng.uniform(low, high, shape).astype(np.float32)


def _ints(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def _unary() -> list[Case]:
    cases = [
        Case(name, ((2, 3),))
        for name in (
            *("Abs", "Asinh", "Atan", "Celu", "Cos", "Cosh", "Elu", "Erf", "Exp", "HardSigmoid"),
            *("HardSwish", "Identity", "LeakyRelu", "Mish", "Neg", "Relu", "Selu", "Sigmoid"),
            *("Sin", "Sinh", "Softplus", "Softsign", "Tanh"),
        )
    ]
    cases += [Case(name, ((4, 3),)) for name in ("Ceil", "Floor", "Round", "Sign")]
    cases += [
        Case("Acos", ((5,),), between=(-0.9, 0.9)),
        Case("Acosh", ((5,),), between=(1.5, 4.0)),
        Case("Asin", ((5,),), between=(-0.9, 0.9)),
        Case("Atanh", ((5,),), between=(-0.8, 0.8)),
        Case("Gelu", ((3, 4),), opset=20),
        Case("Gelu", ((3, 4),), attributes={"approximate": "tanh"}, opset=20),
        Case("LeakyRelu", ((2, 3),), attributes={"alpha": 0.3}),
        Case("Log", ((2, 3),), between=(0.5, 6.0)),
        Case("Reciprocal", ((2, 3),), between=(0.5, 4.0)),
        Case("Reciprocal", ((2, 3),), between=(-4.0, -0.5)),
        Case("Reciprocal", ((64,),), between=(-4.0, 2.0)),
        Case("Shrink", ((2, 3),), attributes={"lambd": 0.5}),
        Case("Sqrt", ((2, 3),), between=(0.5, 6.0)),
        Case("Swish", ((2, 3),), opset=24),
        Case("Tan", ((2, 3),), between=(-1.0, 1.0)),
        Case("ThresholdedRelu", ((2, 3),), attributes={"alpha": 0.5}),
    ]
    return cases


def _arithmetic() -> list[Case]:
    cases = []
    for name in ("Add", "Sub", "Mul"):
        cases += [
            Case(name, ((2, 3), (2, 3))),
            Case(name, ((2, 1, 3), (4, 1))),
            Case(name, ((2, 3),), {1: _random(3)}),
            Case(name, ((2, 3),), {0: _random(2, 1)}),
            Case(name, ((2, 3),), {1: 1.5}),
        ]
    for name in ("Max", "Min"):
        cases += [
            Case(name, ((2, 3), (1, 3))),
            Case(name, ((2, 3),) * 6),
            Case(name, ((2, 3),), {1: _random(3)}),
            Case(name, ((2, 3),), {1: np.array([1e6, 3e8, 0.5]) * (1 if name == "Min" else -1)}),
        ]
    return [
        *cases,
        Case("Sum", ((2, 3), (3,), (2, 1))),
        Case("Mean", ((2, 3), (3,), (2, 1))),
        Case("Div", ((2, 3),), {1: _random(3, low=0.5, high=3)}),
        Case("Div", ((2, 3),), {1: -4.0}),
        Case("Div", ((2, 3),), {0: 3.0}, between=(0.5, 2)),
        Case("Div", ((2, 3),), {0: _random(2, 3)}, between=(0.5, 2)),
        Case("Div", ((2, 3), (2, 3)), between=(0.5, 2)),
        Case("Pow", ((2, 3),), {1: 2.0}),
        Case("Pow", ((2, 3),), {1: 3.0}),
        Case("Pow", ((2, 3),), {1: 0.5}, between=(0.5, 3)),
        Case("Pow", ((2, 3),), {1: 1.0}),
        Case("Clip", ((3, 3),), {1: -0.5, 2: 1.25}),
        Case("Clip", ((3, 3),), {1: None, 2: 0.75}),
        Case("Clip", ((3, 3),), {1: 0.0}),
        Case("Clip", ((3, 3),), attributes={"min": -1.0, "max": 1.0}, opset=10),
        Case("PRelu", ((2, 3, 4),), {1: _random(3, 1)}),
    ]


def _linear() -> list[Case]:
    return [
        Case("MatMul", ((2, 3),), {1: _random(3, 4)}),
        Case("MatMul", ((3, 4),), {0: _random(2, 3)}),
        Case("MatMul", ((2, 3), (3, 4))),
        Case("MatMul", ((2, 1, 3, 4), (5, 4, 2))),
        Case("MatMul", ((4,), (4,))),
        Case("MatMul", ((4,), (2, 4, 3))),
        Case("MatMul", ((2, 3, 4), (4,))),
        Case("MatMul", ((3, 4),), {1: _random(4)}),
        Case("Gemm", ((2, 3),), {1: _random(3, 4), 2: _random(4)}),
        Case("Gemm", ((3, 2),), {1: _random(4, 3)}, {"transA": 1, "transB": 1}),
        Case("Gemm", ((2, 3),), {1: _random(3, 4), 2: _random(2, 1)}, {"alpha": 0.3, "beta": 2.5}),
        Case("Gemm", ((2, 3), (4, 3)), {}, {"transB": 1}),
        Case("Gemm", ((2, 3), (3, 4), (4,)), {}, {"alpha": 0.5, "beta": 0.25}),
        Case("Conv", ((1, 2, 7),), {1: _random(3, 2, 3), 2: _random(3)}),
        Case("Conv", ((1, 2, 8),), {1: _random(2, 2, 3)}, {"strides": [2], "dilations": [2]}),
        Case("Conv", ((1, 2, 6, 5),), {1: _random(3, 2, 3, 3)}, {"pads": [1, 0, 2, 1]}),
        Case("Conv", ((1, 4, 5, 5),), {1: _random(6, 2, 3, 3), 2: _random(6)}, {"group": 2}),
        Case("Conv", ((1, 3, 5, 5),), {1: _random(3, 1, 2, 2)}, {"group": 3}),
        Case("Conv", ((1, 2, 5, 6),), {1: _random(2, 2, 3, 3)}, {"auto_pad": "SAME_LOWER"}),
        Case("Conv", ((1, 1, 5, 5),), {1: _random(2, 1, 3, 3)}, {"dilations": [2, 1]}),
        Case("Conv", ((1, 1, 3, 3, 3),), {1: _random(2, 1, 2, 2, 2)}),
        Case("ConvTranspose", ((1, 2, 3, 3),), {1: _random(2, 3, 3, 3), 2: _random(3)}),
        Case(
            "ConvTranspose",
            ((1, 4, 3, 4),),
            {1: _random(4, 1, 3, 2)},
            {"group": 2, "strides": [2, 3], "pads": [1, 0, 0, 1], "output_padding": [1, 1]},
        ),
        Case(
            "BatchNormalization",
            ((2, 3, 4),),
            {1: _random(3), 2: _random(3), 3: _random(3), 4: _random(3, low=0.1, high=2)},
        ),
        Case(
            "BatchNormalization",
            ((1, 3, 4),),
            {1: np.float32([30, 0.5, -0.02]), 2: np.zeros(3), 3: np.zeros(3), 4: np.ones(3)},
        ),
    ]


def _pooling() -> list[Case]:
    cases = []
    for name in ("MaxPool", "AveragePool"):
        cases += [
            Case(name, ((1, 2, 6),), attributes={"kernel_shape": [3], "strides": [2]}),
            Case(name, ((1, 2, 5, 6),), attributes={"kernel_shape": [2, 2], "pads": [1, 0, 0, 1]}),
            Case(name, ((1, 1, 6, 6),), attributes={"kernel_shape": [3, 3], "strides": [2, 2]}),
            Case(name, ((1, 1, 6, 5),), attributes={"kernel_shape": [3, 2], "ceil_mode": 1}),
            Case(
                name, ((1, 1, 5, 5),), attributes={"kernel_shape": [3, 3], "auto_pad": "SAME_UPPER"}
            ),
        ]
    included = {"kernel_shape": [2, 2], "pads": [1, 1, 1, 1], "count_include_pad": 1}
    return [
        *cases,
        Case("MaxPool", ((1, 1, 7, 6),), attributes={"kernel_shape": [2, 2], "dilations": [2, 3]}),
        Case("MaxPool", ((1, 1, 4, 4),), attributes={"kernel_shape": [2, 2]}, between=(0.5, 2)),
        Case("AveragePool", ((1, 1, 4, 4),), attributes=included),
        Case("GlobalAveragePool", ((1, 2, 3, 4),)),
        Case("GlobalMaxPool", ((1, 2, 3, 4),)),
        Case("GlobalMaxPool", ((2, 3, 5),)),
        Case("LpPool", ((1, 2, 4, 4),), {}, {"kernel_shape": [2, 2], "p": 1}),
        Case("LpPool", ((1, 1, 4),), {}, {"kernel_shape": [2], "p": 2}, between=(0.5, 2)),
    ]


def _shapes() -> list[Case]:
    x = ((2, 3, 4),)
    return [
        Case("Flatten", x, attributes={"axis": 2}),
        Case("Flatten", x, attributes={"axis": 0}),
        Case("Reshape", x, {1: _ints(0, -1)}),
        Case("Reshape", x, {1: _ints(4, 6)}),
        Case("Transpose", x),
        Case("Transpose", x, attributes={"perm": [1, 2, 0]}),
        Case("Squeeze", ((1, 3, 1, 2),)),
        Case("Squeeze", ((1, 3, 1, 2),), {1: _ints(-2)}),
        Case("Unsqueeze", ((3, 2),), {1: _ints(0, 3)}),
        Case("Concat", ((2, 3), (2, 1), (2, 2)), attributes={"axis": 1}),
        Case("Concat", ((2, 3),), {1: _random(4, 3)}, {"axis": -2}),
        Case("Split", ((2, 6),), {1: _ints(1, 5)}, {"axis": 1}, outputs=2),
        Case("Split", ((5, 2),), {}, {"num_outputs": 3}, outputs=3),
        Case("Slice", x, {1: _ints(0, 1), 2: _ints(2, 4), 3: _ints(1, 2), 4: _ints(1, 2)}),
        Case("Slice", x, {1: _ints(-1), 2: _ints(-9), 3: _ints(2), 4: _ints(-2)}),
        Case("Pad", ((2, 3),), {1: _ints(0, 1, 2, 0), 2: 1.5}),
        Case("Pad", ((2, 3),), {1: _ints(1, -1, 0, 2)}),
        Case("Pad", ((3, 4),), {1: _ints(2, 1, 1, 3)}, {"mode": "reflect"}),
        Case("Pad", ((3, 4),), {1: _ints(2, 1, 1, 3)}, {"mode": "edge"}),
        Case("Expand", ((3, 1),), {1: _ints(2, 1, 4)}),
        Case("Tile", ((2, 3),), {1: _ints(2, 3)}),
        Case("Gather", ((3, 4),), {1: _ints(2, 0, -1)}),
        Case("Gather", ((3, 4),), {1: np.array([[0, 1], [3, -2]])}, {"axis": 1}),
        Case("Gather", ((3, 4),), {1: np.array(1)}, {"axis": 1}),
        Case("GatherElements", ((3, 3),), {1: np.array([[1, 2, 0], [2, 0, -1]])}, {"axis": 0}),
        Case("GatherND", ((2, 3, 2),), {1: np.array([[0, 1], [1, -1]])}),
        Case("GatherND", ((2, 3, 2),), {1: np.array([[1], [0]])}, {"batch_dims": 1}),
        Case("ScatterElements", ((3, 3), (1, 2)), {1: np.array([[2, 0]])}, {"axis": 1}),
        Case("ScatterND", ((4, 2), (2, 2)), {1: np.array([[2], [0]])}),
        Case("Compress", ((3, 2),), {1: np.array([True, False, True])}, {"axis": 0}),
        Case("DepthToSpace", ((1, 8, 2, 3),), {}, {"blocksize": 2}),
        Case("DepthToSpace", ((1, 8, 2, 3),), {}, {"blocksize": 2, "mode": "CRD"}),
        Case("SpaceToDepth", ((1, 2, 4, 6),), {}, {"blocksize": 2}),
        Case("Trilu", ((4, 5),), {1: np.array(1)}),
        Case("Trilu", ((2, 4, 4),), {}, {"upper": 0}),
        Case("Cast", ((2, 3),), {}, {"to": FLOAT}),
        Case("Dropout", ((2, 3),), {1: 0.5}),
        Case("ReverseSequence", ((4, 2),), {1: _ints(3, 2)}),
        Case("Resize", ((1, 1, 3, 4),), {1: None, 2: [1.0, 1, 2, 2]}, {"mode": "nearest"}),
        Case("Resize", ((1, 1, 3, 4),), {1: None, 2: [1.0, 1, 2, 1.5]}, {"mode": "linear"}),
        Case(
            "Resize", ((1, 1, 4, 4),), {1: None, 2: None, 3: _ints(1, 1, 6, 3)}, {"mode": "cubic"}
        ),
    ]


def _reductions() -> list[Case]:
    cases = []
    for name in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceProd"):
        axes: dict[str, Any] = {"axes": [1]} if name != "ReduceSum" else {}
        opset = 17 if name != "ReduceSum" else 18
        constants = {1: _ints(1)} if name == "ReduceSum" else {}
        cases += [
            Case(name, ((2, 5, 3),), constants, axes, opset=opset),
            Case(name, ((2, 3),), {}, {"keepdims": 0}, opset=opset),
        ]
    return [
        *cases,
        Case("ReduceMax", ((2, 3, 2),), {1: _ints(0, -1)}, {"keepdims": 0}),
        Case("ReduceSumSquare", ((3, 4),), {1: _ints(1)}),
        Case("ReduceL2", ((3, 4),), {1: _ints(1)}, between=(0.5, 2)),
        Case("ReduceLogSum", ((3, 4),), {1: _ints(1)}, between=(0.5, 2)),
        Case("ReduceLogSumExp", ((3, 4),), {1: _ints(1)}),
        Case("CumSum", ((3, 4),), {1: np.array(1)}, {"exclusive": 1, "reverse": 1}),
    ]


def _composed() -> list[Case]:
    return [
        Case("Softmax", ((2, 5),)),
        Case("Softmax", ((2, 3, 2),), attributes={"axis": 1}, opset=11),
        Case("LogSoftmax", ((2, 5),)),
        Case("LayerNormalization", ((2, 3, 6),), {1: _random(6), 2: _random(6)}),
        Case("InstanceNormalization", ((1, 2, 4, 3),), {1: _random(2), 2: _random(2)}),
        Case(
            "GroupNormalization",
            ((1, 4, 6),),
            {1: _random(4), 2: _random(4)},
            {"num_groups": 2},
            opset=21,
        ),
        Case("RMSNormalization", ((2, 6),), {1: _random(6)}, opset=23),
        Case("MeanVarianceNormalization", ((2, 2, 3, 3),)),
        Case("LpNormalization", ((2, 5),)),
        Case("LRN", ((1, 5, 3, 3),), {}, {"size": 3}),
    ]


CASES = [
    *_unary(),
    *_arithmetic(),
    *_linear(),
    *_pooling(),
    *_shapes(),
    *_reductions(),
    *_composed(),
]
