"""Masks of attention, brought near: what a softmax gives no weight needs no large number.

Exporters hide an entry of a softmax by a constant between -1e4 and minus infinity, which is added
to its score or chosen in its place. In fixed point such a number takes all bits of its tensor, and
infinity has none. Here every constant below ``-B`` becomes ``-B``, where it reaches nothing but
softmaxes. ``B`` is measured on calibration data: the smallest power of two (a key may show it) for
which each hidden entry stays :data:`FAR` below the largest visible one of its row, with room for
data that were not seen.

*The circuit is that of the original mask.* A softmax is ``exp(x - max) / sum``. A hidden entry has
``exp(x - max) <= e^-FAR < 2^-17`` before and after. Powers are held in units of 2^-13 or coarser
(their largest is 1, in 16 bits with a sign and head-room), so that it is the integer 0 both times,
as it is for any mask that is further away. No other entry is touched: the maximum is a visible one.

*Zeros and ones.* A mask may be multiplied with what is computed of an input, ``(1 - m) * -1e4``.
Both circuits are the same only where m is 0 or 1. So it has to be seen from the nodes that nothing
else can come of it, and inputs that it is made from are held to 0 and 1: no others have a proof.

*Head-room.* Scores get the bit of head-room that every tensor has, the mask does not: it is a
constant. What hides is half as far in the ranges of the tensors that hold it (``floors``).

*Rows without a visible entry* are those of padding. Minus infinity makes NaN of them, which torch
replaces (``Where(IsNaN(p), 0, p)``), a finite mask that absorbs the scores in float32 makes all
entries equal; both are kept, by a comparison for each row, if calibration data have such rows.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from verifai.errors import UnsupportedError
from verifai.extras import require
from verifai.graph.constants import stated, stored
from verifai.graph.float_run import float_run

Array = npt.NDArray[Any]

#: By how much the exponent of a hidden entry is below the largest of its row.
FAR: Final = 12.0
#: Room for scores that calibration has not seen, as a share of the gap it has.
ROOM: Final = 1.5
#: Constants that may hide something are at least so low.
LOW: Final = -20.0
#: Stands for every such constant while scores are measured: a score is what is left of a multiple.
PROBE: Final = 2.0**14
#: Below this, adding a score changes nothing in float32.
ABSORBING: Final = -1e7

#: Operators that hand entries on as they are, from their first input.
_MOVING_NAMES: Final = """
    Cast CastLike Concat Expand Flatten Gather GatherElements GatherND Identity Reshape Slice Split
    Squeeze Tile Transpose Unsqueeze
"""
_MOVING: Final = frozenset(_MOVING_NAMES.split())
#: Operators that make truths of anything.
_TRUTH_NAMES: Final = """
    And Equal Greater GreaterOrEqual IsInf IsNaN Less LessOrEqual Not Or Xor
"""
_TRUTHS: Final = frozenset(_TRUTH_NAMES.split())
#: ONNX's number of the boolean type.
_BOOL: Final = 9


@dataclass(frozen=True)
class Edge:
    """A constant where a node reads it.

    Attributes:
        node: number of the node.
        position: of its inputs.
        sign: -1 of a large number that hides by what becomes of it.
        factors: what it may be multiplied with, but for 0.
        softmaxes: inputs of the softmaxes that it reaches.
    """

    node: int
    position: int
    sign: int
    factors: int
    softmaxes: frozenset[str]


@dataclass(frozen=True)
class Near:
    """A model with its masks brought near.

    Attributes:
        proto: the model, the same object if it has no masks.
        floors: least values to calibrate tensors with that hold masked scores, by name.
        binary: inputs that hold nothing but zeros and ones.
    """

    proto: Any
    floors: Mapping[str, float] = field(default_factory=dict)
    binary: frozenset[str] = frozenset()


@dataclass
class _Flow:
    """Where tensors of a graph go."""

    nodes: Sequence[Any]
    constants: Mapping[str, Array]
    seen: frozenset[str]  # what others than nodes read
    uses: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    maxima: dict[str, str] = field(default_factory=dict)  # of softmaxes, by their input
    known: dict[tuple[str, int], frozenset[str] | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for index, node in enumerate(self.nodes):
            for position, name in enumerate(node.input):
                self.uses[name].append((index, position))
        for node in self.nodes:
            if node.op_type == "ReduceMax" and self._is_shift(node.input[0], node.output[0]):
                self.maxima[node.input[0]] = node.output[0]

    def _is_shift(self, x: str, largest: str) -> bool:
        """Whether the maximum serves a softmax and nothing else: ``exp(x - largest)``."""
        for index, _ in self.uses[largest]:
            node = self.nodes[index]
            if node.op_type != "Sub" or list(node.input) != [x, largest]:
                return False
            after = [self.nodes[use].op_type for use, _ in self.uses[node.output[0]]]
            if node.output[0] in self.seen or not after or set(after) != {"Exp"}:
                return False
        return largest not in self.seen and bool(self.uses[largest])

    def edges(self) -> Iterator[Edge]:
        """Constants that are low where they reach nothing but softmaxes."""
        for name, values in self.constants.items():
            for sign in (1, -1):
                if not values.size or not (sign * values <= LOW).any():
                    continue
                for index, position in self.uses[name]:
                    for factors in (1, -1) if self.nodes[index].op_type == "Mul" else (1,):
                        found = self._after(index, position, sign * factors, constant=True)
                        if found:
                            yield Edge(index, position, sign, factors, found)

    def floors(self, softmaxes: set[str], rows: Rows) -> dict[str, float]:
        """For each tensor of masked scores, and for them less their maximum."""
        found = {
            name: -rows.masks * rows.distance / 2 - rows.size
            for (name, sign), reached in self.known.items()
            if reached and reached <= softmaxes and sign > 0
        }
        for x in softmaxes:
            for index, _ in self.uses[x]:
                if self.nodes[index].op_type == "Sub":
                    least = -rows.masks * rows.distance / 2 - rows.spread
                    found[self.nodes[index].output[0]] = least
        return found

    def _from(self, name: str, sign: int) -> frozenset[str] | None:
        """The softmaxes that a tensor reaches; None if it reaches something else."""
        key = (name, sign)
        if key not in self.known:
            self.known[key] = None
            parts = [self._after(*use, sign) for use in self.uses[name]]
            reached = frozenset[str]().union(*(part for part in parts if part is not None))
            whole = name not in self.seen and all(part is not None for part in parts)
            self.known[key] = reached if whole else None
        return self.known[key]

    def _after(
        self, index: int, position: int, sign: int, *, constant: bool = False
    ) -> frozenset[str] | None:
        node = self.nodes[index]
        kind, out = node.op_type, node.output[0]
        first = position == 0
        if kind == "Cast" and _to(node) == _BOOL:
            return frozenset()  # it is not zero before and after
        if kind == "ReduceMax" and self.maxima.get(node.input[0]) == out and sign > 0:
            return frozenset(node.input[:1])
        if kind == "Sub" and first and self.maxima.get(node.input[0]) == node.input[1]:
            return frozenset(node.input[:1]) if sign > 0 else None
        if kind in _MOVING and (first or kind == "Concat") and len(node.output) == 1:
            return self._from(out, sign)
        if kind in ("Add", "Max", "Min", "Sum") or (kind == "Where" and not first):
            return self._from(out, sign)
        if kind in ("Sub", "Neg"):
            return self._from(out, sign if first and kind == "Sub" else -sign)
        if kind == "Mul" and constant and node.input[1 - position] not in self.constants:
            return self._from(out, sign)  # by zeros and ones, as is checked on the data
        return None


def near(
    proto: Any, names: Sequence[str], samples: Sequence[tuple[Array, ...]], literals: set[str]
) -> Near:
    """The model with its masks brought near.

    Args:
        proto: a ``ModelProto``, its softmaxes written out.
        names: of its inputs.
        samples: calibration data.
        literals: names of constants that the model states; those that replace them are added.
    """
    graph = proto.graph
    flow = _Flow(graph.node, stored(graph) | stated(graph), _seen(graph))
    edges = list(flow.edges())
    guards = _guards(flow)
    if not edges and not guards:
        return Near(proto)
    probe = _Changed(proto, literals)
    for edge in edges:
        values = flow.constants[probe.read(edge)]
        probe.replace(edge, np.where(edge.sign * values <= LOW, -edge.sign * PROBE, values))
    groups = _groups(edges)
    softmaxes = sorted({*guards.values(), *(x for group in groups for x in group.softmaxes)})
    factors = {edge: name for edge in edges if (name := _factor(graph.node, edge)) is not None}
    wanted = [*softmaxes, *(flow.maxima[x] for x in softmaxes), *factors.values()]
    try:
        run = float_run(probe.proto, list(dict.fromkeys(wanted)))
        found = [run(dict(zip(names, sample, strict=True))) for sample in samples]
    except UnsupportedError:
        return Near(proto)  # what cannot be run is told apart by calibration itself
    result, floors = _Changed(proto, literals), dict[str, float]()
    binary: set[str] = set()
    thresholds: dict[str, float] = {}
    for group in groups:
        rows = Rows.of(found, sorted(group.softmaxes), flow.maxima)
        held = [
            _zeros_and_ones(flow, names, name)
            for edge in group.edges
            if (name := factors.get(edge)) is not None
        ]
        if None in held or not all(
            np.isin(one[factors[edge]], (0, edge.factors)).all()
            for one in found
            for edge in group.edges
            if edge in factors
        ):
            continue
        weakest = [_weakest(flow.constants[result.read(edge)], edge) for edge in group.edges]
        infinite = max(weakest) == -math.inf
        alike = infinite or all(ABSORBING >= least > -math.inf for least in weakest)
        if rows.empty and not alike:
            continue
        binary.update(name for each in held for name in each or ())
        for edge in group.edges:
            values = flow.constants[result.read(edge)]
            moved = edge.sign * np.maximum(edge.sign * values, -rows.distance)
            result.replace(edge, moved.astype(values.dtype))
        floors |= flow.floors(group.softmaxes, rows)
        for x in group.softmaxes if rows.empty else ():
            if infinite:
                thresholds[x] = rows.threshold
            else:
                result.level(flow, x, rows)
    for output, x in guards.items():
        result.guard(output, flow.maxima[x], thresholds.get(x))
    return Near(result.proto, floors, frozenset(binary))


@dataclass(frozen=True)
class Rows:
    """What calibration says of the rows of some softmaxes.

    Attributes:
        empty: whether one has no visible entry.
        distance: the mask that hides what is hidden.
        threshold: below the largest entry of every visible row, above that of an empty one.
        masks: how many were added to one score at most.
        size: the largest absolute value of a score.
        spread: the largest difference of a score and the largest visible one.
    """

    empty: bool
    distance: float
    threshold: float
    masks: float
    size: float
    spread: float

    @classmethod
    def of(
        cls, found: Sequence[Mapping[str, Array]], inputs: Sequence[str], maxima: Mapping[str, str]
    ) -> Rows:
        """From runs with :data:`PROBE` as the mask."""
        gap, empty, least, most = 0.0, False, math.inf, -math.inf
        masks = size = spread = 0.0
        for one in found:
            for x in inputs:
                values, largest = (one[name].astype(np.float64) for name in (x, maxima[x]))
                times = np.maximum(np.round(-values / PROBE), 0.0)
                scores = values + times * PROBE
                visible = np.broadcast_to(largest > -PROBE / 2, values.shape)
                hidden = visible & (times > 0)
                above = scores - np.broadcast_to(largest, values.shape)
                gap = max(gap, float(above[hidden].max(initial=0.0)))
                masks = max(masks, float(times.max()))
                size = max(size, float(np.abs(scores).max()))
                spread = max(spread, float(np.abs(above[visible]).max(initial=0.0)))
                empty |= not visible.all()
                most = max(most, float(scores.max()))
                if visible.any():
                    least = min(least, float(largest[largest > -PROBE / 2].min()))
        distance = FAR + ROOM * gap
        if empty and math.isfinite(least):
            distance = max(distance, 2.0 + ROOM * (most - least))
        distance = 2.0 ** math.ceil(math.log2(distance))
        least = least if math.isfinite(least) else most
        return cls(empty, distance, (most - distance + least) / 2, masks, size, spread)


@dataclass
class _Group:
    """Constants that reach common softmaxes, which take one distance."""

    edges: list[Edge]
    softmaxes: set[str]


def _groups(edges: Iterable[Edge]) -> list[_Group]:
    groups: list[_Group] = []
    for edge in edges:
        one = _Group([edge], set(edge.softmaxes))
        for group in [group for group in groups if group.softmaxes & one.softmaxes]:
            groups.remove(group)
            one = _Group(group.edges + one.edges, group.softmaxes | one.softmaxes)
        groups.append(one)
    return groups


class _Changed:
    """A copy of a model, some constants of which are others where some nodes read them."""

    def __init__(self, proto: Any, literals: set[str]):
        onnx = require("onnx", "onnx", "reading an ONNX model")
        self.helper, self.numpy = onnx.helper, onnx.numpy_helper
        self.before, self.literals = proto, literals
        self.nodes = [onnx.NodeProto.FromString(n.SerializeToString()) for n in proto.graph.node]
        self.after: dict[int, list[Any]] = {}  # nodes that follow a node
        self.constants: list[Any] = []

    @property
    def proto(self) -> Any:
        """The model as it is now."""
        result = type(self.before)()
        result.CopyFrom(self.before)
        del result.graph.node[:]
        for index, node in enumerate(self.nodes):
            result.graph.node.extend([node, *self.after.get(index, [])])
        result.graph.initializer.extend(self.constants)
        return result

    def read(self, edge: Edge) -> str:
        """The constant that an edge reads in the original model."""
        return str(self.before.graph.node[edge.node].input[edge.position])

    def _named(self, values: npt.ArrayLike, name: str, *, literal: bool = True) -> str:
        self.constants.append(self.numpy.from_array(np.asarray(values), name))
        if literal:
            self.literals.add(name)
        return name

    def replace(self, edge: Edge, values: Array) -> None:
        """The node reads ``values`` in place of the constant."""
        name = self.read(edge)
        made = f"{name}/near_{edge.node}_{edge.position}"
        self._named(values, made, literal=name in self.literals)
        self.nodes[edge.node].input[edge.position] = made

    def guard(self, output: str, largest: str, threshold: float | None) -> None:
        """``output``, IsNaN of a softmax, becomes true of rows whose largest entry is below a
        number; of none if there is no number.
        """
        node = next(node for node in self.nodes if output in node.output)
        if threshold is not None:
            node.op_type, node.input[:] = "Less", []
            node.input.extend([largest, self._named(np.float32(threshold), f"{output}/bound")])
            return
        node.op_type, node.input[:] = "Identity", []
        node.input.append(self._named(np.False_, f"{output}/never"))
        for one in self.nodes:
            if one.op_type == "Where" and one.input[0] == output:
                kept = one.input[2]
                one.op_type, one.input[:] = "Identity", []
                one.input.append(kept)

    def level(self, flow: _Flow, x: str, rows: Rows) -> None:
        """What hides absorbs the scores: every entry of a row without a visible one is equal."""
        last = f"{x}/level"
        largest, holds = f"{last}/largest", f"{last}/holds"
        far = self._named(np.float32(-rows.distance), f"{last}/far")
        bound = self._named(np.float32(rows.threshold), f"{last}/bound")
        maximum = next(node for node in self.nodes if flow.maxima[x] in node.output)
        first = self.helper.make_node("ReduceMax", [x, *maximum.input[1:]], [largest], name=largest)
        first.attribute.extend(maximum.attribute)
        for index, position in flow.uses[x]:
            self.nodes[index].input[position] = last
        place = next(i for i, node in enumerate(self.nodes) if x in node.output)
        self.after[place] = [
            first,
            self.helper.make_node("Less", [largest, bound], [holds], name=holds),
            self.helper.make_node("Where", [holds, far, x], [last], name=last),
        ]


def _weakest(values: Array, edge: Edge) -> float:
    """The weakest of the numbers that hide."""
    signed = edge.sign * values.astype(np.float64)
    return float(signed[signed <= LOW].max())


def _factor(nodes: Sequence[Any], edge: Edge) -> str | None:
    """What a constant is multiplied with."""
    node = nodes[edge.node]
    return str(node.input[1 - edge.position]) if node.op_type == "Mul" else None


def _zeros_and_ones(flow: _Flow, inputs: Sequence[str], name: str) -> frozenset[str] | None:
    """The inputs that a tensor holds zeros and ones of, 1 and -1 told apart by nobody, if these do;
    None if it may hold others all the same.
    """
    made = {output: node for node in flow.nodes for output in node.output}
    waiting, seen, found = [name], set[str](), set[str]()
    while waiting:
        at = waiting.pop()
        if not at or at in seen:
            continue
        seen.add(at)
        if at in flow.constants:
            if not np.isin(flow.constants[at], (0, 1)).all():
                return None
            continue
        node = made.get(at)
        if node is None:
            if at not in inputs:
                return None
            found.add(at)
            continue
        kind = node.op_type
        if kind in _TRUTHS or (kind == "Cast" and _to(node) == _BOOL):
            continue
        if kind in _MOVING or kind == "Neg":
            waiting += node.input if kind == "Concat" else node.input[:1]
        elif kind in ("Mul", "Where"):
            waiting += node.input[kind == "Where" :]
        elif kind == "Sub":
            one = [np.all(flow.constants.get(each, 0) == 1) for each in node.input]
            if not any(one):
                return None
            waiting.append(node.input[1 if one[0] else 0])
        else:
            return None
    return frozenset(found)


def _guards(flow: _Flow) -> dict[str, str]:
    """``IsNaN`` of softmaxes that only choose in a Where: output -> the softmax's input."""
    found = {}
    made = {name: node for node in flow.nodes for name in node.output}
    for node in flow.nodes:
        if node.op_type != "IsNaN" or node.output[0] in flow.seen:
            continue
        steps = [made.get(node.input[0])]
        for kind in ("Div", "Exp", "Sub"):
            last = steps[-1]
            if last is None or last.op_type != kind:
                break
            steps.append(made.get(last.input[0]) if kind != "Sub" else last)
        else:
            chosen = all(
                flow.nodes[use].op_type == "Where" and position == 0
                for use, position in flow.uses[node.output[0]]
            )
            x, largest = last.input if last else ("", "")
            if chosen and flow.maxima.get(x) == largest:
                found[node.output[0]] = str(x)
    return found


def _to(node: Any) -> int:
    return next((int(a.i) for a in node.attribute if a.name == "to"), 0)


def _seen(graph: Any) -> frozenset[str]:
    """Names that something else than a node of the graph reads: outputs, and inner graphs."""
    found = {info.name for info in graph.output}
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (*attribute.graphs, attribute.g):
                found.update(name for one in inner.node for name in one.input)
    return frozenset(found)
