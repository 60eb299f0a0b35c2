"""From an integer graph to the operation table of its proof.

==============  =============================================================================
graph           table
==============  =============================================================================
Input           committed, ranged
Weight ... Einsum  one to one, but an einsum under a reshape is committed
Requantise      ``2**s y + r - half - x = 0`` with y (unless it is looked up) and r ranged
Maximum         ``y - d - x = 0`` with d ranged; ``(y - floor) * product of d = 0``
Lookup          (x, y) is an entry
output          the ranged committed tensor it has its elements from, or a ranged copy
==============  =============================================================================

*Looked up.* A requantisation that only lookups read needs no range: it is the input of an entry,
and so one of the table's integers. ``2**s y + r = x + half`` then leaves one y.

*Fusion.* A maximum that alone reads a requantisation z, perhaps through views that read no element
twice, needs no committed z: ``z = y - d``, and ``2**s (y - d) + r - half - view(x) = 0``. With d
and y ranged, z is small, so the equation and ``0 <= r < 2**s`` leave one value for it. (Were y any
field element, ``(x + half - r) / 2**s`` would be a solution for every r.) Elements of z that no
view reads stay unconstrained: nothing else reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product as cartesian
from typing import TYPE_CHECKING

from verifai.circuit.builder import TableBuilder
from verifai.circuit.lowered import (
    Difference,
    LoweredCircuit,
    NodeValues,
    Remainder,
)
from verifai.circuit.plan import Plan, plan, window
from verifai.circuit.visibility import Role, Visibility
from verifai.errors import UnsupportedError
from verifai.graph.integer import (
    Affine,
    Einsum,
    Gather,
    Input,
    Integers,
    Linear,
    Lookup,
    Maximum,
    Node,
    Requantise,
    Reshape,
    View,
    Weight,
)
from verifai.verifier.native.parse import MAX_LINKED_BITS, MAX_PUBLIC_BITS
from verifai.verifier.native.table import Tensor

if TYPE_CHECKING:
    from verifai.graph.graph import IntegerGraph


#: Range of every committed input and output: rows of equal tensors are equal in all circuits.
LINKED_LOW, LINKED_HIGH = -(1 << MAX_LINKED_BITS - 1), (1 << MAX_LINKED_BITS - 1) - 1


def lower(
    graph: IntegerGraph,
    visibility: Visibility,
    *,
    log_columns: int | None = None,
    fuse: bool = True,
    hiding: bool = False,
    outer_axes: bool = True,
) -> LoweredCircuit:
    """The operation table of ``graph``.

    Args:
        visibility: of inputs and outputs; the table says it of each.
        log_columns: log2 of the commitment's columns; by default a function of the weights.
        fuse: whether maxima take over the requantisations that only they read.
        hiding: whether proofs are zero-knowledge.
        outer_axes: whether tensors may have outer axes; see :class:`TableBuilder`.

    Raises:
        UnsupportedError: a node that the proof system's limits exclude; the message names it.
    """
    return _Lowering(graph, visibility, plan(graph, fuse=fuse), outer_axes).run(log_columns, hiding)


class _Lowering:
    """State of one lowering: the table so far, and where graph nodes are in it."""

    def __init__(
        self, graph: IntegerGraph, visibility: Visibility, how: Plan, outer_axes: bool
    ) -> None:
        self.graph = graph
        self.visible: dict[Role, tuple[str, ...]] = {
            "input": visibility.of("input", graph.input_names),
            "output": visibility.of("output", graph.output_names),
        }
        self.plan = how
        self.builder = TableBuilder(outer_axes)
        self.weights: list[Integers] = []
        self.at: dict[int, int] = {}  # graph node -> table node with its values
        self.committed_copies: dict[int, int] = {}
        self.inputs: dict[int, int] = {}
        self.outputs: dict[int, int] = {}  # model output -> committed node

    def run(self, log_columns: int | None, hiding: bool) -> LoweredCircuit:
        for index in self.plan.needed:
            self.at[index] = self.lower_node(index, self.graph.nodes[index])
        for position, index in enumerate(self.plan.outputs):
            if position not in self.outputs:
                self.outputs[position] = self.output_copy(position, index)
        builder = self.builder
        inputs = tuple(self.inputs[position] for position in range(len(self.graph.inputs)))
        outputs = tuple(self.outputs[position] for position in range(len(self.graph.outputs)))
        graph = self.graph
        table, encoded = builder.finish(
            _tensors(inputs, graph.input_shapes, self.visible["input"]),
            _tensors(outputs, graph.output_shapes, self.visible["output"]),
            log_columns,
            hiding,
        )
        return LoweredCircuit(
            operations=table,
            table=encoded,
            weights=tuple(self.weights),
            program=tuple(builder.steps),
            names=tuple(builder.names),
            graph_batched=tuple(node.batched for node in self.graph.nodes),
        )

    def lower_node(self, index: int, node: Node) -> int:
        """The table node with the values of graph node ``index``."""
        builder = self.builder
        builder.name = node.name
        match operation := self.plan.operations[index]:
            case Input():
                return self.input(index, node, operation)
            case Weight():
                self.weights.append(operation.values.reshape(node.shape))
                return builder.weight(node.shape)
            case View():
                return builder.add(View(self.at[operation.source], operation.axes), node.shape)
            case Reshape():
                return builder.add(Reshape(self.closed(operation.source)), node.shape)
            case Gather():
                self.require_shown(node, operation.ids)
                rows = Gather(self.at[operation.source], self.at[operation.ids])
                return builder.add(rows, node.shape)
            case Linear():
                terms = tuple((factor, self.at[source]) for factor, source in operation.terms)
                return builder.add(Linear(terms, operation.offset), node.shape)
            case Einsum():
                left, right = self.closed(operation.left), self.closed(operation.right)
                return builder.einsum(left, right, operation.labels, node.shape)
            case Requantise():
                return self.requantise(index, node, operation)
            case Maximum():
                return self.maximum(index, node, operation)
            case Lookup():
                return self.lookup(index, node, operation)

    def input(self, index: int, node: Node, operation: Input) -> int:
        """A model input. Of a committed one the rows have the range that all such rows have, and
        what the circuit reads is a copy where the input's own range is narrower.
        """
        step, low, high = NodeValues(index), node.low, node.high
        position = operation.position
        if self.visible["input"][position] == "committed":
            low, high = min(low, LINKED_LOW), max(high, LINKED_HIGH)
        self.check_travels("input", position, node, low, high)
        region = self.region("input", position)
        at = self.builder.ranged(step, node.shape, low, high, True, region)
        self.inputs[position] = at
        if (low, high) == (node.low, node.high):
            return at
        copy = self.builder.ranged(step, node.shape, node.low, node.high, True, "witness")
        self.builder.require_zero(((1, copy), (-1, at)), 0, node.shape)
        return copy

    def region(self, role: Role, position: int) -> str:
        """The region of a model input or output: public ones need no rows of their own."""
        return "witness" if self.visible[role][position] == "public" else role

    def closed(self, index: int) -> int:
        """A table node with the values of graph node ``index`` and no einsum below.

        Where there is one its value is committed, as a hint that an equation determines.
        """
        if index not in self.plan.open_einsum:
            return self.at[index]
        if index not in self.committed_copies:
            node = self.graph.nodes[index]
            copy = self.builder.hint(NodeValues(index), node.shape, node.batched)
            self.builder.require_zero(((1, copy), (-1, self.at[index])), 0, node.shape)
            self.committed_copies[index] = copy
        return self.committed_copies[index]

    def output_copy(self, position: int, index: int) -> int:
        """A ranged copy of graph node ``index``, for a model output that nothing else backs."""
        node = self.graph.nodes[index]
        self.builder.name = node.name
        low, high = node.low, node.high
        if self.visible["output"][position] == "committed":
            low, high = min(low, LINKED_LOW), max(high, LINKED_HIGH)
        self.check_travels("output", position, node, low, high)
        region = self.region("output", position)
        copy = self.builder.ranged(NodeValues(index), node.shape, low, high, True, region)
        self.builder.require_zero(((1, copy), (-1, self.at[index])), 0, node.shape)
        return copy

    def main(
        self,
        index: int,
        shape: tuple[int, ...],
        low: int,
        *,
        ranged: bool,
    ) -> int:
        """The committed result of graph node ``index``; a model output if it is one."""
        node, step = self.graph.nodes[index], NodeValues(index)
        position = self.plan.backed.get(index)
        # a committed output has a range of its own, which must not replace this one's
        if position is None or self.visible["output"][position] == "committed":
            if ranged:
                return self.builder.ranged(step, shape, low, node.high, node.batched, "witness")
            return self.builder.hint(step, shape, node.batched)
        self.check_travels("output", position, node, low, node.high)
        region = self.region("output", position)
        at = self.builder.ranged(step, shape, low, node.high, node.batched, region)
        self.outputs[position] = at
        return at

    def check_travels(self, role: Role, position: int, node: Node, low: int, high: int) -> None:
        """Statements show 32 bits; what travels between proofs has 16."""
        visibility = self.visible[role][position]
        if visibility == "private":
            return
        most = MAX_PUBLIC_BITS if visibility == "public" else MAX_LINKED_BITS
        if (needed := (high - low).bit_length()) > most:
            raise UnsupportedError(
                f"The {role} of node {node.name!r} lies between {low} and {high}: {needed} bits, "
                f"and a {visibility} {role} has at most {most}.",
                hint=f"Give the {role} a smaller range.",
                nodes=[node.name],
            )

    def require_shown(self, node: Node, ids: int) -> None:
        """Ids are public: the verifier looks the rows up by itself."""
        while not isinstance(source := self.graph.nodes[ids].operation, Input):
            assert isinstance(source, View | Reshape)
            ids = source.source
        name = self.graph.input_names[source.position]
        if (word := self.visible["input"][source.position]) != "public":
            raise UnsupportedError(
                f"Node {node.name!r} looks up rows of a weight by ids of the {word} input "
                f"{name!r}, and a statement has to show ids.",
                hint=f"Compile with Visibility(input={{{name!r}: 'public'}}), other inputs beside "
                "it with their words, or replace the lookup by a product with one-hot rows, which "
                "may be hidden.",
                nodes=[node.name],
            )

    def in_shape(self, at: int, shape: tuple[int, ...], wanted: tuple[int, ...]) -> int:
        """Table node ``at`` of ``shape``, reshaped where the shapes differ."""
        return at if shape == wanted else self.builder.add(Reshape(at), wanted)

    def requantise(self, index: int, node: Node, operation: Requantise) -> int:
        source = self.plan.stripped(operation.source)
        shape = self.graph.nodes[source].shape
        y = self.main(index, shape, node.low, ranged=index not in self.plan.looked_up)
        self.divide(((1, y),), operation, source, self.at[source], (), shape, node.batched)
        return self.in_shape(y, shape, node.shape)

    def divide(
        self,
        quotient: Sequence[tuple[int, int]],
        operation: Requantise,
        source: int,
        accumulator: int,
        views: tuple[tuple[View, tuple[int, ...]], ...],
        shape: tuple[int, ...],
        batched: bool,
    ) -> None:
        """``2**s quotient + r - half - accumulator = 0`` with a ranged remainder r.

        ``accumulator`` is graph node ``source`` seen through ``views``.
        """
        shift = operation.shift
        half = 0 if operation.floor or shift == 0 else 1 << (shift - 1)
        terms = [(factor << shift, at) for factor, at in quotient]
        if shift:
            step = Remainder(source, shift, half, views)
            top = (1 << shift) - 1
            remainder = self.builder.ranged(step, shape, 0, top, batched, "witness")
            terms.append((1, remainder))
        terms.append((-1, accumulator))
        self.builder.require_zero(tuple(terms), -half, shape)

    def maximum(self, index: int, node: Node, operation: Maximum) -> int:
        fusion = self.plan.fused.get(index)
        nodes = self.graph.nodes
        if fusion is not None:
            shape, source_low = fusion.shape, nodes[fusion.requantise].low
        else:
            source = operation.source if operation.axes else self.plan.stripped(operation.source)
            shape, source_low = nodes[source].shape, nodes[source].low
        kept = [axis for axis in range(len(shape)) if axis not in operation.axes]
        reduced = tuple(shape[axis] for axis in kept)
        floor = operation.floor
        # A fused maximum has no other range on y: see the module's docstring.
        y = self.main(
            index,
            reduced,
            node.low if floor is None else floor,
            ranged=floor is not None or fusion is not None,
        )
        step = Difference(index, operation.source, operation.axes)
        span = max(0, node.high - source_low)
        d = self.builder.ranged(step, shape, 0, span, node.batched, "witness")
        spread = y
        if operation.axes:
            axes = tuple(Affine(0, ((axis, 1),)) for axis in kept)
            spread = self.builder.add(View(y, axes), shape)
        if fusion is not None:
            self.take_over(fusion.requantise, fusion.views, ((1, spread), (-1, d)), shape)
        else:
            self.builder.require_zero(((1, spread), (-1, d), (-1, self.at[source])), 0, shape)
        factors = []
        if floor is not None:
            above = y if floor == 0 else self.builder.add(Linear(((1, y),), -floor), reduced)
            factors.append(above)
        for position in cartesian(*(range(length) for length in window(operation, shape))):
            place = dict(zip(operation.axes, position, strict=True))
            maps = tuple(
                Affine(place[axis], ()) if axis in place else Affine(0, ((kept.index(axis), 1),))
                for axis in range(len(shape))
            )
            factors.append(self.builder.add(View(d, maps), reduced) if operation.axes else d)
        self.builder.require_product(tuple(factors), reduced)
        return self.in_shape(y, reduced, node.shape)

    def take_over(
        self,
        requantise: int,
        views: tuple[int, ...],
        quotient: Sequence[tuple[int, int]],
        shape: tuple[int, ...],
    ) -> None:
        """The equation of a fused requantisation, its value being ``quotient``."""
        nodes, operations = self.graph.nodes, self.plan.operations
        operation = operations[requantise]
        assert isinstance(operation, Requantise)
        source = self.plan.stripped(operation.source)
        accumulator = self.at[source]
        through = []
        for index in views:
            view = operations[index]
            assert isinstance(view, View)
            accumulator = self.builder.add(View(accumulator, view.axes), nodes[index].shape)
            through.append((view, nodes[index].shape))
        self.divide(
            quotient,
            operation,
            source,
            accumulator,
            tuple(through),
            shape,
            nodes[requantise].batched,
        )

    def lookup(self, index: int, node: Node, operation: Lookup) -> int:
        source = self.closed(operation.source)
        y = self.main(index, node.shape, node.low, ranged=False)
        self.builder.require_lookup(self.graph.tables[operation.table], source, y, node.shape)
        return y


def _tensors(
    nodes: Sequence[int], shapes: Sequence[tuple[int, ...]], words: Sequence[str]
) -> tuple[Tensor, ...]:
    """Inputs or outputs as the table names them."""
    return tuple(Tensor(*each) for each in zip(nodes, shapes, words, strict=True))
