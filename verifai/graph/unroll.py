"""Loop, Scan and If with constant trip counts and conditions, and the sequences around them.

A circuit does the same steps whatever its input is. So a loop becomes its body, as often as it
runs; an If becomes the branch that is taken; a sequence becomes the list of its tensors. What
decides has to follow from constants and shapes alone, and is evaluated on the way: a counter that a
body passes on is known in every iteration. Anything else is left as it is, with a note that says
why and what to do. Nothing is evaluated that does not decide: what the bodies compute of constants
is left for folding, which knows learned numbers from stated ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from verifai.errors import UnsupportedError
from verifai.extras import require
from verifai.graph.expand import known_shapes, opset_of
from verifai.graph.fold import folded
from verifai.graph.notes import REFUSED, SCALE, note, noted
from verifai.model.structure import every_graph

#: Most nodes of a model that is written out: an operation table has 4,096.
MAX_UNROLLED_NODES: Final = 8_192
#: Most elements of a tensor that decides how often a loop runs.
MAX_DECIDING: Final = 4_096
#: Operators of what decides: none makes much of little.
_DECIDING_OPERATORS: Final = """
    Abs Add And Cast CastLike Ceil Concat Constant ConstantOfShape Div Equal Expand Floor Gather
    Greater GreaterOrEqual Identity Less LessOrEqual Max Min Mod Mul Neg Not Or Range Reciprocal
    ReduceMax ReduceMin ReduceProd ReduceSum Reshape Round Sign Slice Squeeze Sub Tile Transpose
    Unsqueeze Where Xor
"""
_DECIDING: Final = frozenset(_DECIDING_OPERATORS.split())
#: Inputs that decide over the shape of what an operator makes, from the first of them on.
_SHAPING: Final = {
    **dict.fromkeys(("Expand", "OneHot", "Pad", "Reshape", "Resize", "Slice", "Split", "Tile"), 1),
    **dict.fromkeys(("Squeeze", "TopK", "Unsqueeze"), 1),
    **dict.fromkeys(("ConstantOfShape", "Range"), 0),
}
#: Operators that hold graphs.
CONTROL: Final = frozenset({"If", "Loop", "Scan", "SequenceMap"})
_SEQUENCE_OPERATORS: Final = """
    ConcatFromSequence SequenceAt SequenceConstruct SequenceEmpty SequenceErase SequenceInsert
    SequenceLength SplitToSequence
"""
#: Operators on sequences of tensors.
SEQUENCES: Final = frozenset(_SEQUENCE_OPERATORS.split())

Names = Mapping[str, str]
Path = tuple[str, ...]
#: What each iteration adds to the outputs along an axis.
Rows = list[list[str]]


def unrolled(proto: Any) -> Any:
    """The model with all control flow written out that constants decide."""
    if not any(node.op_type in CONTROL | SEQUENCES for node in proto.graph.node):
        return proto
    return _Unrolling(proto).run()


def _names(graph: Any) -> Iterator[str]:
    """Of all tensors, those of subgraphs included."""
    for each in every_graph(graph):
        for item in (*each.input, *each.initializer):
            yield item.name
        for node in each.node:
            yield from node.output


class _Unrolling:
    """The nodes so far, and what is known of their tensors."""

    def __init__(self, proto: Any) -> None:
        self.onnx = require("onnx", "onnx", "reading an ONNX model")
        self.proto, self.opset = proto, opset_of(proto)
        self.nodes: list[Any] = []
        self.initializers = {tensor.name: tensor for tensor in proto.graph.initializer}
        self.weights: dict[tuple[Path, str], str] = {}  # initializers of bodies
        self.makers: dict[str, Any] = {}  # the node that makes a tensor
        self.values: dict[str, npt.NDArray[Any] | None] = {}
        self.sequences: dict[str, list[str]] = {}
        self.shapes: dict[str, tuple[int, ...]] | None = None
        self.inferring = False
        self.made = 0  # nodes, those of given up attempts included
        self.numbers = count()
        self.root = "unrolled"
        while any(name.startswith(self.root) for name in _names(proto.graph)):
            self.root += "_"

    def run(self) -> Any:
        for item in self.proto.graph.node:
            before, known = len(self.nodes), set(self.initializers)
            try:
                self.node(item, {}, {}, (), "")
            except UnsupportedError as error:
                del self.nodes[before:]
                for name in set(self.initializers) - known:
                    del self.initializers[name]
                self.weights.clear()
                for name in sorted(set(item.input) - set(self.makers)):
                    if members := self.sequences.get(name):  # which nothing makes any more
                        self.add("SequenceConstruct", members, name)
                        self.sequences[name] = members
                note(self.append(item), REFUSED, error.message.rstrip("."))
        result = self.onnx.ModelProto()
        result.CopyFrom(self.proto)
        del result.graph.node[:]
        result.graph.node.extend(self.nodes)
        del result.graph.initializer[:]
        result.graph.initializer.extend(self.initializers.values())
        return result

    # -- writing

    def fresh(self) -> str:
        """A name that nothing has."""
        return f"{self.root}/{next(self.numbers)}"

    def append(self, item: Any) -> Any:
        """A copy of a node as it is, from now on known as the maker of its outputs."""
        node = self.onnx.NodeProto()
        node.CopyFrom(item)
        self.nodes.append(node)
        self.made += 1
        for name in node.output:
            self.makers[name] = node
            self.values.pop(name, None)
            self.sequences.pop(name, None)
        return node

    def add(
        self, kind: str, inputs: Sequence[str], output: str | None = None, **attributes: Any
    ) -> str:
        """One node with one output, whose name is returned."""
        made = output or self.fresh()
        self.append(self.onnx.helper.make_node(kind, list(inputs), [made], name=made, **attributes))
        self.require_few()
        return made

    def require_few(self) -> None:
        """Refuses to write more nodes than can be lowered.

        Raises:
            UnsupportedError: there are too many.
        """
        if max(len(self.nodes), self.made // 2) > MAX_UNROLLED_NODES:
            raise UnsupportedError(
                f"written out step by step the model has more nodes than MAX_UNROLLED_NODES "
                f"({MAX_UNROLLED_NODES:,}): prove fewer steps at once, each circuit with the state "
                "that the one before ends in"
            )

    def constant(self, values: Any, output: str | None = None) -> str:
        """Integers or truths."""
        tensor = self.onnx.numpy_helper.from_array(np.asarray(values))
        return self.add("Constant", [], output, value=tensor)

    def alias(self, source: str, output: str) -> None:
        """Another name of a tensor or a sequence."""
        if source in self.sequences:
            self.sequences[output] = self.sequences[source]
        else:
            self.add("Identity", [source], output)

    def stacked(self, parts: Sequence[str], axis: int, output: str | None = None) -> str:
        """Tensors along a new axis."""
        if self.opset >= 13:
            axes = self.constant(np.array([axis]))
            rows = [self.add("Unsqueeze", [part, axes]) for part in parts]
        else:
            rows = [self.add("Unsqueeze", [part], axes=[axis]) for part in parts]
        return self.joined(rows, axis, output)

    def joined(self, parts: Sequence[str], axis: int, output: str | None = None) -> str:
        """Tensors along an axis that they have."""
        if not parts:
            raise UnsupportedError(f"its output {output!r} has no elements")
        return self.add("Concat", parts, output, axis=axis)

    def picked(self, x: str, place: int, axis: int) -> str:
        """``x[..., place, ...]``."""
        return self.add("Gather", [x, self.constant(np.int64(place))], axis=axis)

    def node(self, item: Any, names: Names, made: Names, path: Path, title: str) -> None:
        """A node of the model, or of a body.

        Args:
            names: what tensors of the body and around it are called.
            made: what the node's outputs are called.
            path: where the body is: the nodes that hold it, without numbers of iterations.
            title: the same with these numbers, for messages.
        """
        node = self.onnx.NodeProto()
        node.CopyFrom(item)
        first = next((name for name in item.output if name), "")
        node.name = f"{title}{item.name or first}"
        del node.input[:], node.output[:]
        node.input.extend(names.get(name, name) for name in item.input)
        node.output.extend(made.get(name, name) for name in item.output)
        if path and noted(node, SCALE) is None:
            note(node, SCALE, "/".join((*path, first)))
        kind, path = item.op_type, (*path, first)
        attributes = {a.name: self.onnx.helper.get_attribute_value(a) for a in item.attribute}
        if kind == "If":
            self.branch(node, attributes, names, path)
        elif kind == "Loop":
            self.loop(node, attributes["body"], names, path)
        elif kind == "Scan":
            self.scan(node, attributes, names, path)
        elif kind == "SequenceMap":
            self.mapped(node, attributes["body"], names, path)
        elif kind in SEQUENCES or (kind == "Identity" and node.input[0] in self.sequences):
            self.sequence(node, attributes)
        else:
            self.append(node)
            self.require_few()

    def body(
        self, graph: Any, given: Sequence[str], names: Names, path: Path, title: str
    ) -> list[str]:
        """The nodes of a subgraph; what its outputs are called.

        Args:
            given: its inputs.
            names: of the tensors around it.
        """
        prefix = self.fresh()
        inner = dict(names) | {
            info.name: name for info, name in zip(graph.input, given, strict=True)
        }
        for tensor in graph.initializer:
            inner[tensor.name] = self.weight(tensor, path)
        for item in graph.node:
            made = {name: f"{prefix}/{name}" for name in item.output if name}
            self.node(item, inner, made, path, title)
            inner |= made
        return [inner.get(info.name, info.name) for info in graph.output]

    def weight(self, tensor: Any, path: Path) -> str:
        """An initializer of a body, one for all iterations."""
        if (path, tensor.name) not in self.weights:
            copy = self.onnx.TensorProto()
            copy.CopyFrom(tensor)
            copy.name = self.weights[path, tensor.name] = self.fresh()
            self.initializers[copy.name] = copy
        return self.weights[path, tensor.name]

    # -- control flow

    def branch(self, node: Any, attributes: Mapping[str, Any], names: Names, path: Path) -> None:
        condition = self.value(node.input[0])
        if condition is None:
            raise UnsupportedError(
                "its condition is computed by the model, and a circuit has no branches: compute "
                "both and choose with Where, or, if an input decides, say which value it has, "
                "verifai.load(path, fixed={'name': value}), --fix name=value"
            )
        taken = "then_branch" if condition.reshape(()) else "else_branch"
        made = self.body(attributes[taken], [], names, (*path, taken), f"{node.name}/")
        for source, output in zip(made, node.output, strict=True):
            if output:
                self.alias(source, output)

    def loop(self, node: Any, body: Any, names: Names, path: Path) -> None:
        most, condition, *carried = node.input
        limit = self.value(most) if most else np.array(MAX_UNROLLED_NODES)
        if limit is None:
            raise UnsupportedError(
                "its trip count is computed by the model or an input of it, and a circuit has a "
                "fixed number of steps: say how many, verifai.load(path, fixed={'name': value}), "
                "--fix name=value, one circuit for each count"
            )
        states, rows = list(carried), []
        for step in range(int(limit.reshape(()))):
            if condition and not self.goes_on(condition):
                break
            rank = len(body.input[0].type.tensor_type.shape.dim)
            number = self.constant(np.full([1] * rank, step, np.int64))
            given = [number, condition or self.constant(np.array(True)), *states]
            condition, *made = self.body(body, given, names, path, f"{node.name}/{step}/")
            states, scanned = made[: len(states)], made[len(states) :]
            rows.append(scanned)
            for name in states:  # one step after the other: no recursion through all of them
                self.value(name)
        columns = [[row[i] for row in rows] for i in range(len(node.output) - len(states))]
        self.results(node, states, columns, [0] * len(columns))

    def goes_on(self, condition: str) -> bool:
        """Whether a loop runs once more."""
        value = self.value(condition)
        if value is None:
            raise UnsupportedError(
                "its condition is computed by the model, and a circuit has a fixed number of "
                "steps: run a fixed number of them, and keep what is done with Where"
            )
        return bool(value.reshape(()))

    def results(
        self,
        node: Any,
        states: Sequence[str],
        columns: Sequence[Sequence[str]],
        axes: Sequence[int],
    ) -> None:
        """The outputs of a loop: its last states, and what its iterations made along an axis."""
        for source, output in zip(states, node.output, strict=False):
            if output:
                self.alias(source, output)
        for column, axis, output in zip(columns, axes, node.output[len(states) :], strict=True):
            if output:
                self.stacked(column, axis, output)

    def scan(self, node: Any, attributes: Mapping[str, Any], names: Names, path: Path) -> None:
        body, count = attributes["body"], attributes["num_scan_inputs"]
        given, old = list(node.input), self.opset < 9
        if old and given.pop(0):
            raise UnsupportedError("its sequence lengths: export with operator set 9 or newer")
        states, inputs = given[: len(given) - count], given[len(given) - count :]
        axes = list(attributes.get("scan_input_axes", [0] * count))
        backward = attributes.get("directions" if old else "scan_input_directions", [0] * count)

        def run(states: list[str], inputs: list[str], title: str) -> tuple[list[str], Rows]:
            rows, steps = [], self.steps(inputs, axes)
            for step in range(steps):
                parts = [
                    self.picked(x, steps - 1 - step if back else step, axis)
                    for x, axis, back in zip(inputs, axes, backward, strict=True)
                ]
                made = self.body(body, [*states, *parts], names, path, f"{title}{step}/")
                states = made[: len(states)]
                rows.append(made[len(states) :])
            return states, rows

        if old:
            self.batched(node, states, inputs, run)
            return
        states, rows = run(states, inputs, f"{node.name}/")
        outputs = len(node.output) - len(states)
        columns = [[row[place] for row in rows] for place in range(outputs)]
        turned = attributes.get("scan_output_directions", [0] * outputs)
        columns = [c[::-1] if back else c for c, back in zip(columns, turned, strict=True)]
        axes = list(attributes.get("scan_output_axes", [0] * outputs))
        self.results(node, states, columns, axes)

    def steps(self, inputs: Sequence[str], axes: Sequence[int]) -> int:
        """How many parts the inputs of a Scan have along their axes."""
        lengths = set()
        for name, axis in zip(inputs, axes, strict=True):
            if (shape := self.shape(name)) is None:
                raise UnsupportedError(
                    f"its input {name!r} has no shape that is known: export with fixed shapes"
                )
            lengths.add(shape[axis])
        if len(lengths) != 1:
            raise UnsupportedError(f"its inputs have {sorted(lengths)} steps")
        return int(lengths.pop())

    def batched(
        self,
        node: Any,
        states: Sequence[str],
        inputs: Sequence[str],
        run: Callable[[list[str], list[str], str], tuple[list[str], Rows]],
    ) -> None:
        """A Scan of operator set 8: once for each part along the first axis of everything."""
        ends = []
        for place in range(self.steps(inputs, [0] * len(inputs))):
            first = [self.picked(x, place, 0) for x in states]
            own = [self.picked(x, place, 0) for x in inputs]
            last, rows = run(first, own, f"{node.name}/{place}/")
            for column in zip(*rows, strict=True):
                last.append(self.stacked(column, 0))
            ends.append(last)
        for place, output in enumerate(node.output):
            if output:
                self.stacked([end[place] for end in ends], 0, output)

    def mapped(self, node: Any, body: Any, names: Names, path: Path) -> None:
        """SequenceMap: the body for each tensor of the first input."""
        made = []
        for step in range(len(self.members(node.input[0]))):
            given = [self.sequences.get(name, [name] * (step + 1))[step] for name in node.input]
            made.append(self.body(body, given, names, path, f"{node.name}/{step}/"))
        for place, output in enumerate(node.output):
            self.sequences[output] = [row[place] for row in made]

    # -- sequences

    def members(self, name: str) -> list[str]:
        if name not in self.sequences:
            raise UnsupportedError(
                "its sequence has no length that is known: circuits have fixed numbers of tensors"
            )
        return self.sequences[name]

    def sequence(self, node: Any, attributes: Mapping[str, Any]) -> None:
        """Makes, changes or reads a list of tensors."""
        kind, given, output = node.op_type, list(node.input), node.output[0]
        if kind in ("SequenceEmpty", "SequenceConstruct"):
            self.sequences[output] = given
        elif kind == "SplitToSequence":
            self.sequences[output] = self.split(given, attributes)
        elif kind == "Identity":
            self.sequences[output] = self.members(given[0])
        elif kind == "SequenceLength":
            self.constant(np.int64(len(self.members(given[0]))), output)
        elif kind == "ConcatFromSequence":
            join = self.stacked if attributes.get("new_axis") else self.joined
            join(self.members(given[0]), attributes["axis"], output)
        elif kind == "SequenceAt":
            members = self.members(given[0])
            self.alias(members[self.place(given[1], len(members), len(members) - 1)], output)
        else:
            members = list(self.members(given[0]))
            more = kind == "SequenceInsert"
            last = len(members) - (not more)
            at = given[1 + more] if len(given) > 1 + more else ""
            place = self.place(at, len(members), last) if at else last
            members[place : place + (not more)] = [given[1]] if more else []
            self.sequences[output] = members

    def place(self, name: str, length: int, last: int) -> int:
        """A constant position in a sequence, of which negative ones count from the end."""
        value = self.value(name)
        if value is None:
            raise UnsupportedError("its position is computed by the model; it has to be constant")
        place = int(value.reshape(()))
        place += length * (place < 0)
        if not 0 <= place <= last:
            raise UnsupportedError(f"position {place} of a sequence that ends at {last}")
        return place

    def split(self, given: Sequence[str], attributes: Mapping[str, Any]) -> list[str]:
        """The parts of a tensor along an axis, of one element each if no lengths are given."""
        shape = self.shape(given[0])
        lengths = self.value(given[1]) if len(given) > 1 and given[1] else np.array(1)
        if shape is None or lengths is None:
            raise UnsupportedError("its parts have lengths that the model computes")
        axis = attributes.get("axis", 0) % len(shape)
        if lengths.ndim == 0:
            each = max(1, int(lengths))
            sizes = [min(each, shape[axis] - at) for at in range(0, shape[axis], each)]
        else:
            sizes = [int(size) for size in lengths]
        whole = (len(given) > 1 and given[1]) or attributes.get("keepdims", 1)
        parts, at = [], 0
        for size in sizes:
            if whole:
                index = self.constant(np.arange(at, at + size))
                parts.append(self.add("Gather", [given[0], index], axis=axis))
            else:
                parts.append(self.picked(given[0], at, axis))
            at += size
        return parts

    # -- what decides

    def value(self, name: str) -> npt.NDArray[Any] | None:
        """The values of a small tensor that follows from constants and shapes, else None."""
        waiting = [name]  # no recursion: files may have chains of any length
        while waiting:
            at = waiting[-1]
            missing = [each for each in self.deciding(at) if each not in self.values]
            if at in self.values or not missing:
                if at not in self.values:
                    self.values[at] = self._value(at)
                waiting.pop()
            else:
                waiting += missing
        return self.values[name]

    def deciding(self, name: str) -> list[str]:
        """What a tensor's values are evaluated from, if they are."""
        node = self.makers.get(name)
        if node is None or node.op_type not in _DECIDING:
            return []
        return [each for each in node.input if each]

    def _value(self, name: str) -> npt.NDArray[Any] | None:
        if name in self.initializers:
            tensor = self.initializers[name]
            if math.prod(tensor.dims) > MAX_DECIDING:
                return None
            return np.asarray(self.onnx.numpy_helper.to_array(tensor))
        node = self.makers.get(name)
        if node is None:
            return None
        if node.op_type in ("Shape", "Size"):
            shape = self.shape(node.input[0])
            if shape is None:
                return None
            if node.op_type == "Size":
                return np.array(math.prod(shape))
            ends = {a.name: a.i for a in node.attribute}
            return np.array(shape[slice(ends.get("start"), ends.get("end"))], dtype=np.int64)
        read = {each: self.values[each] for each in self.deciding(name)}
        values = {each: value for each, value in read.items() if value is not None}
        if node.op_type not in _DECIDING or len(values) < len(read):
            return None
        try:
            found = folded(node, values, self.opset)[name]
        except UnsupportedError:
            return None
        return found if found.size <= MAX_DECIDING else None

    def shape(self, name: str) -> tuple[int, ...] | None:
        """The static shape of a tensor, if it can be inferred."""
        if self.shapes is None:
            self.shapes = known_shapes(self.proto)
        if name not in self.shapes and (value := self.value(name)) is not None:
            return value.shape
        if name not in self.shapes and not self.inferring:
            self.inferring = True
            self.infer()
            self.inferring = False
        return self.shapes.get(name)

    def infer(self) -> None:
        """Shapes from all that is written so far, with what decides over them evaluated: that may
        be what is made of other shapes, so as long as there are more.
        """
        assert self.shapes is not None
        known = -1
        while known < len(self.shapes):
            known = len(self.shapes)
            part = self.onnx.ModelProto()
            part.CopyFrom(self.proto)
            del part.graph.node[:], part.graph.output[:]
            part.graph.node.extend(self.nodes)
            del part.graph.initializer[:]
            part.graph.initializer.extend(self.initializers.values())
            for node in part.graph.node:
                first = _SHAPING.get(node.op_type, len(node.input))
                for place in range(first, len(node.input)):
                    given = node.input[place]
                    if given in self.makers and (value := self.value(given)) is not None:
                        node.input[place] = f"{self.root}/value of {given}"
                        tensor = self.onnx.numpy_helper.from_array(value, node.input[place])
                        part.graph.initializer.append(tensor)
            self.shapes |= known_shapes(part)
            self.values = {name: v for name, v in self.values.items() if v is not None}
