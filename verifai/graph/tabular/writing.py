"""The nodes that replace one node of ``ai.onnx.ml``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from verifai.errors import UnsupportedError
from verifai.extras import require
from verifai.model.nodes import OnnxNode

DOMAIN: Final = "ai.onnx.ml"
Array = npt.NDArray[Any]


@dataclass
class Model:
    """What is known of the model around a node.

    Attributes:
        values: an example of every tensor.
        opset: of ONNX.
        joined: the parts of tensors that were joined along the last axis, by name.
        constants: names of initialisers.
        nodes: written so far.
        initialisers: added so far.
    """

    values: dict[str, Array]
    opset: int
    joined: dict[str, list[str]] = field(default_factory=dict)
    constants: frozenset[str] = frozenset()
    nodes: list[Any] = field(default_factory=list)
    initialisers: list[Any] = field(default_factory=list)


class Writing:
    """The nodes that replace one node.

    Attributes:
        node: the one that is replaced.
        model: around it.
    """

    def __init__(self, node: OnnxNode, model: Model) -> None:
        onnx = require("onnx", "onnx", "reading an ONNX model")
        self._helper, self._numpy = onnx.helper, onnx.numpy_helper
        self.node, self.model = node, model
        self.attributes: Mapping[str, Any] = node.attributes

    @property
    def output(self) -> str:
        """The node's first output."""
        return self.node.outputs[0]

    def result(self, position: int) -> str | None:
        """An output that somebody asked for."""
        outputs = self.node.outputs
        return outputs[position] if position < len(outputs) and outputs[position] else None

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor."""
        return self.model.values[name].shape

    def kind(self, name: str) -> np.dtype[Any]:
        """The element type of a tensor."""
        return self.model.values[name].dtype

    def floats(self, name: str) -> list[float]:
        """An attribute: numbers."""
        return [float(value) for value in self.attributes.get(name, [])]

    def learned(self, values: Any, kind: type[np.generic] = np.float32) -> str:
        """A new initialiser."""
        name = f"{self.node.name}/{self.node.op_type}/learned_{len(self.model.initialisers)}"
        array = np.asarray(values, dtype=kind)
        self.model.initialisers.append(self._numpy.from_array(array, name))
        self.model.values[name] = array
        return name

    def add(
        self,
        kind: str,
        inputs: Sequence[str],
        output: str | None = None,
        shape: Sequence[int] | None = None,
        dtype: Any = np.float32,
        domain: str = "",
        **attributes: Any,
    ) -> str:
        """One node; the name of its output. A shape is given for what :meth:`shape` is asked of."""
        at = f"{self.node.name}/{kind.lower()}_{len(self.model.nodes)}"
        made = output or at
        self.model.nodes.append(
            self._helper.make_node(
                kind, list(inputs), [made], name=at, domain=domain or None, **attributes
            )
        )
        if shape is not None and made not in self.model.values:
            self.model.values[made] = np.zeros(tuple(shape), dtype)
        return made

    def cast(self, name: str, kind: Any, output: str | None = None) -> str:
        """A tensor in another element type."""
        to = self._helper.np_dtype_to_tensor_dtype(np.dtype(kind))
        return self.add("Cast", [name], output, self.shape(name), kind, to=to)

    def reshaped(self, name: str, shape: Sequence[int], output: str | None = None) -> str:
        """A tensor in another shape."""
        to = self.learned(shape, np.int64)
        return self.add("Reshape", [name, to], output, shape, self.kind(name))

    def reduced(self, kind: str, name: str, axis: int) -> str:
        """A reduction that keeps its axis."""
        shape = list(self.shape(name))
        shape[axis] = 1
        if self.model.opset >= (13 if kind == "ReduceSum" else 18):
            return self.add(kind, [name, self.learned([axis], np.int64)], shape=shape, keepdims=1)
        return self.add(kind, [name], shape=shape, axes=[axis], keepdims=1)

    def columns(self, name: str) -> list[str]:
        """Float tensors that ``name`` is joined from along the last axis, each with a scale of its
        own in the circuit.
        """
        return [
            part if self.kind(part) == np.float32 else self.cast(part, np.float32)
            for part in self.model.joined.get(name, [name])
        ]

    def join(self, parts: Sequence[str], output: str) -> None:
        """Joins columns again."""
        if len(parts) == 1:
            self.add("Identity", parts, output)
            return
        self.add("Concat", parts, output, axis=-1)
        self.model.joined[output] = list(parts)

    def each(self, name: str, make: Callable[[str, slice], str]) -> None:
        """Joins ``make(part, its columns)`` for all parts to the node's output."""
        made, at = [], 0
        for part in self.columns(name):
            end = at + self.shape(part)[-1]
            made.append(make(part, slice(at, end)))
            at = end
        self.join(made, self.output)

    def per_column(self, values: Sequence[float], name: str) -> Array:
        """One number for each column, of one for all or of as many."""
        width = self.shape(name)[-1]
        if len(values) not in (1, width):
            raise UnsupportedError(f"{len(values)} numbers for {width} columns")
        return np.resize(np.asarray(values, dtype=np.float64), width)


#: Writes a node out, or raises UnsupportedError with the reason.
Rule = Callable[[Writing], None]
