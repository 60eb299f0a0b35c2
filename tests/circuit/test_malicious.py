"""Dishonest witnesses: exactly the constraints that forbid them are violated."""

from __future__ import annotations

import numpy as np
import pytest

from tests.circuit.graphs import Graph, run
from tests.circuit.models import (
    MODELS,
    digits,
    inner_pool,
    max_pool,
    mlp,
    random_inputs,
    sigmoid,
)
from verifai.circuit.lower import lower
from verifai.circuit.satisfied import unsatisfied
from verifai.circuit.visibility import Visibility
from verifai.circuit.witness import Difference, NodeValues, Remainder, witness
from verifai.errors import InputError, UsageError
from verifai.verifier.native.field import P
from verifai.verifier.native.table import Committed


class Case:
    """An honest witness of a graph, to be changed tensor by tensor."""

    def __init__(self, graph, *, fuse=True, inputs=None, batch=2):
        self.batch = batch
        self.lowered = lower(graph, Visibility(), fuse=fuse)
        self.values = run(graph, inputs or random_inputs(graph, batch))
        self.witness = witness(self.lowered, self.values, batch)

    def tensor(self, name, kind):
        """The committed array that ONNX node ``name`` has for a kind of step."""
        table = self.lowered.operations
        found = [
            array
            for index, step, array in zip(
                table.committed, self.lowered.program, self.witness, strict=True
            )
            if self.lowered.names[index] == name and isinstance(step, kind)
        ]
        assert len(found) == 1, (name, kind, len(found))
        return found[0]

    def violated(self):
        """(kind, ONNX node, elements) of each violation."""
        found = unsatisfied(self.lowered.operations, self.lowered.weights, self.witness, self.batch)
        return {(v.kind, self.lowered.names[v.node], v.positions) for v in found}


def single(shift=3, **options):
    """x (2,) requantised: nothing else."""
    graph = Graph()
    x = graph.input((2,), name="x")
    graph.outputs = [graph.requantise(x, shift, name="y", **options)]
    return Case(graph, inputs=[np.array([[100, -7], [3, 0]])], batch=2)


def test_a_requantised_value_off_by_one():
    case = single()
    case.tensor("y", NodeValues)[0, 0] += 1
    assert case.violated() == {("zero", "y", 1)}


def test_a_remainder_off_by_one():
    case = single()
    remainder = case.tensor("y", Remainder)
    remainder[0, 0] += 1 if remainder[0, 0] == 0 else -1
    assert case.violated() == {("zero", "y", 1)}


@pytest.mark.parametrize("change", [-1, 1])
def test_a_requantised_value_that_its_remainder_makes_up_for(change):
    case = single()
    case.tensor("y", NodeValues)[1, 1] += change
    case.tensor("y", Remainder)[1, 1] -= change * 8
    assert case.violated() == {("range", "y", 1)}


def test_without_a_shift_the_value_is_the_source():
    case = single(shift=0)
    case.tensor("y", NodeValues)[0, 1] += 1
    assert case.violated() == {("zero", "y", 1)}


def test_an_input_out_of_range():
    # The same circuit but for a wider input: a consistent witness of what the first one refuses.
    def circuit(high):
        graph = Graph()
        x = graph.input((2,), -128, high, name="x")
        graph.outputs = [graph.requantise(x, 3, name="y")]
        return Case(graph, inputs=[np.array([[high, 0]])], batch=1)

    case = circuit(127)
    assert case.violated() == set()
    case.witness = circuit(383).witness
    assert case.violated() == {("range", "x", 1)}


@pytest.mark.parametrize("fuse", [True, False], ids=["fused", "plain"])
def test_a_maximum_above_all_its_values(fuse):
    case = Case(pooled_output(floor=0), fuse=fuse)
    y, d = case.tensor("pool", NodeValues), case.tensor("pool", Difference)
    y[0, 0, 0, 0] += 1
    d[0, 0, 0, 0] += 1
    assert case.violated() == {("product", "pool", 1)}


@pytest.mark.parametrize("fuse", [True, False], ids=["fused", "plain"])
def test_a_maximum_below_one_of_its_values(fuse):
    case = Case(pooled_output(floor=None), fuse=fuse)
    y, d = case.tensor("pool", NodeValues), case.tensor("pool", Difference)
    window = d[0, 0, 0, 0]
    second = int(np.sort(window.reshape(-1))[1])
    assert second > 0
    y[0, 0, 0, 0] -= second
    window -= second  # the second largest is claimed to be the maximum
    assert case.violated() == {("range", "pool", 1)}


def test_a_relu_of_a_negative_value_that_is_passed_on():
    graph = Graph()
    x = graph.input((3,), name="x")
    graph.outputs = [graph.maximum(x, floor=0, name="relu")]
    case = Case(graph, inputs=[np.array([[-5, 5, 0]])], batch=1)
    y, d = case.tensor("relu", NodeValues), case.tensor("relu", Difference)
    assert y.tolist() == [[0, 5, 0]]
    y[0, 0], d[0, 0] = -5, 0
    assert case.violated() == {("range", "relu", 1)}
    y[0, 0], d[0, 0] = 2, 7
    assert case.violated() == {("product", "relu", 1)}
    y[0, 0], d[0, 0] = 0, 4
    assert case.violated() == {("zero", "relu", 1)}


def test_a_floor_other_than_zero_is_the_least_value():
    graph = Graph()
    x = graph.input((2,), name="x")
    graph.outputs = [graph.maximum(x, floor=-3, name="clip")]
    case = Case(graph, inputs=[np.array([[-5, 5]])], batch=1)
    y, d = case.tensor("clip", NodeValues), case.tensor("clip", Difference)
    assert y.tolist() == [[-3, 5]]
    y[0, 0], d[0, 0] = -4, 1
    assert case.violated() == {("range", "clip", 1), ("product", "clip", 1)}
    y[0, 0], d[0, 0] = -2, 3
    assert case.violated() == {("product", "clip", 1)}


def test_a_difference_off_by_one():
    case = Case(digits(), fuse=False)
    d = case.tensor("pool", Difference)
    # A difference that was positive stays so: no product changes.
    place = tuple(np.argwhere(d > 0)[0])
    d[place] += 1
    assert case.violated() == {("zero", "pool", 1)}


def test_a_fused_value_off_by_one_is_a_remainder_out_of_range():
    case = Case(digits())
    d, r = case.tensor("pool", Difference), case.tensor("pool", Remainder)
    y = case.tensor("pool", NodeValues)
    place = tuple(np.argwhere((y == 0) & (d > 0).all(axis=(-1, -2)))[0])
    d[(*place, 0, 0)] += 1  # z is one less: 2^5 is missing
    r[(*place, 0, 0)] += 32
    assert case.violated() == {("range", "pool", 1)}
    r[(*place, 0, 0)] -= 32
    assert case.violated() == {("zero", "pool", 1)}


def pooled_output(floor):
    """A 1 x 1 convolution (times 5), a pool of 2 x 2 windows, the output."""
    graph = Graph()
    x = graph.input((1, 4, 4), name="x")
    conv = graph.conv(x, np.full((1, 1, 1, 1), 5), np.zeros(1, dtype=np.int64), 1, name="conv")
    graph.outputs = [graph.pool(conv, floor=floor, name="pool")]
    return graph


@pytest.mark.parametrize("graph", [pooled_output(floor=None), inner_pool()], ids=["end", "inside"])
def test_a_fused_maximum_without_a_range_would_be_free(graph):
    """Why a fused maximum is ranged although it has no floor, be it an output or not.

    Every remainder of a window takes the other parity and the maximum the field element between:
    zero and product constraints hold, and only the range of y is violated.
    """
    case = Case(graph)
    y, d = case.tensor("pool", NodeValues), case.tensor("pool", Difference)
    r = case.tensor("pool", Remainder)
    # The constraint: 2 (y - d) + r = t.
    t = 5 * case.values[0][0, 0, :2, :2] + 1
    wrong = 1 - t.max() % 2
    free = y.astype(object)
    free[0, 0, 0, 0] = int(t.max() - wrong) * pow(2, -1, P) % P
    r[0, 0, 0, 0] = (t - t.max() + wrong) % 2
    d[0, 0, 0, 0] = (t.max() - wrong + r[0, 0, 0, 0] - t) // 2
    place = next(i for i, array in enumerate(case.witness) if array is y)
    table = case.lowered.operations
    assert table.nodes[table.committed[place]].operation.limbs == (8, 8)
    case.witness[place] = free
    if graph.nodes[-1].name == "last":
        # what follows is twice the free value, an integer again
        case.tensor("last", NodeValues)[0, 0, 0, 0] = t.max() - wrong
    assert case.violated() == {("range", "pool", 1)}


#: Committed without a range, fused and not: an entry of a table, what is looked up in one, a copy
#: that a zero determines, and a maximum of a tensor that is ranged itself.
UNRANGED = {
    "inner_pool": ([], ["pool"]),
    "sigmoid": (["first", "sigmoid", "again"], ["first", "sigmoid", "again"]),
    "grouped": (["flat"], ["flat"]),
    "mixing": (["flat"], ["flat"]),
}


@pytest.mark.parametrize("name", MODELS)
def test_what_is_committed_without_a_range(name):
    for fuse, expected in zip((True, False), UNRANGED.get(name, ([], [])), strict=True):
        lowered = lower(MODELS[name](), Visibility(), fuse=fuse)
        table = lowered.operations
        free = [i for i in table.committed if not table.nodes[i].operation.limbs]
        assert [lowered.names[i] for i in free] == expected


@pytest.mark.parametrize("step", [-3, -1, 1, 2, 255])
def test_a_quotient_that_only_a_table_ranges(step):
    """For each remainder there is one field element that satisfies the division; all but the honest
    one are inputs of no entry.
    """
    case = Case(sigmoid())
    quotient, remainder = case.tensor("first", NodeValues), case.tensor("first", Remainder)
    place = next(i for i, array in enumerate(case.witness) if array is quotient)
    free = quotient.astype(object)
    top = int(remainder[1, 2]) + step
    if not 0 <= top < 1 << 8:  # the other way
        step = -step
    remainder[1, 2] += step
    free[1, 2] = (int(free[1, 2]) - step * pow(1 << 8, -1, P)) % P
    case.witness[place] = free
    assert ("lookup", "sigmoid", 1) in case.violated()
    assert not any(kind == "zero" and name == "first" for kind, name, _ in case.violated())


@pytest.mark.parametrize("name", ["sigmoid", "again"])
def test_a_lookup_output_off_by_one(name):
    case = Case(sigmoid())
    case.tensor(name, NodeValues)[1, 2] += 1
    found = case.violated()
    assert ("lookup", name, 1) in found
    # What reads the value no longer agrees either: the second table, or the last layer's sums.
    later = {"sigmoid": ("lookup", "again", 1), "again": ("zero", "second", 2)}[name]
    assert found == {("lookup", name, 1), later}


def test_a_lookup_outside_its_table():
    graph = Graph()
    x = graph.input((2,), name="x")
    graph.outputs = [graph.lookup(x, -100, np.arange(150) % 7, name="table")]
    case = Case(graph, inputs=[np.array([[-100, 49]])], batch=1)
    assert case.violated() == set()
    inputs = case.tensor("x", NodeValues)
    inputs[0, 0] = -101
    assert case.violated() == {("lookup", "table", 1)}
    inputs[0] = [-100, 50]
    assert case.violated() == {("lookup", "table", 1)}


def test_a_copied_output_off_by_one():
    graph = mlp()
    graph.outputs.append(graph.linear((1, graph.inputs[0]), offset=3, name="shifted"))
    case = Case(graph)
    case.tensor("shifted", NodeValues)[0, 0] -= 1
    assert case.violated() == {("zero", "shifted", 1)}


def test_field_elements_that_are_no_integers():
    """Half of one, as a field element, solves the equation and fails the range."""
    case = single(shift=1)
    table = case.lowered.operations
    y = next(i for i, array in enumerate(case.witness) if array is case.tensor("y", NodeValues))
    r = case.tensor("y", Remainder)
    values = case.witness[y].astype(object)
    r[0, 0] = 1 - r[0, 0]
    values[0, 0] += pow(2, -1, P) * (1 if r[0, 0] == 0 else -1)
    case.witness[y] = values
    assert case.violated() == {("range", "y", 1)}
    assert isinstance(table.nodes[table.committed[y]].operation, Committed)


def test_arrays_of_the_wrong_number_or_shape():
    case = single()
    table, weights = case.lowered.operations, case.lowered.weights
    with pytest.raises(UsageError, match="3 committed"):
        unsatisfied(table, weights, case.witness[:-1], 2)
    with pytest.raises(UsageError, match="at least one"):
        unsatisfied(table, weights, case.witness, 0)
    with pytest.raises(InputError, match="shape"):
        unsatisfied(table, weights, case.witness, 3)


def test_a_maximum_off_by_one_contradicts_its_whole_window():
    case = Case(max_pool())
    case.tensor("pool", NodeValues)[0, 0, 0, 0] += 1
    assert case.violated() == {("zero", "pool", 4)}
