"""The artefact: every rule is enforced, one binary form, exact semantics of each operation."""

from __future__ import annotations

import functools
import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.needs import skip_without
from verifai.errors import InputError, InternalError, MalformedError, UnsupportedError, VerifaiError
from verifai.graph import IntegerGraph, run, torch_run
from verifai.graph.integer import (
    Affine,
    Einsum,
    Indices,
    Input,
    Linear,
    Lookup,
    Maximum,
    Node,
    Requantise,
    Reshape,
    Table,
    View,
    Weight,
)
from verifai.graph.prune import pruned

skip_without("torch")


few = settings(max_examples=40, deadline=None, derandomize=True)
WIDE = 2**61


def at(operation, shape, low=-WIDE, high=WIDE, *, batched=True, name="here"):
    return Node(operation, tuple(shape), low, high, 0, batched, name)


def source(shape=(2, 3), bits=16):
    return at(Input(0), shape, -(1 << bits - 1), (1 << bits - 1) - 1, name="x")


def weight(values, name="w"):
    values = np.asarray(values, dtype=np.int64)
    low, high = int(values.min()), int(values.max())
    return at(Weight(values), values.shape, low, high, batched=False, name=name)


def graph(*nodes, output=None, tables=()):
    last = len(nodes) - 1 if output is None else output
    return IntegerGraph(
        tuple(nodes),
        (0,),
        (last,),
        tuple(tables),
        ("x",),
        ("y",),
        (nodes[0].shape,),
        (nodes[last].shape,),
    )


IDENTITY = (Affine(0, ((0, 1),)), Affine(0, ((1, 1),)))
PRODUCT = at(Einsum(0, 1, ("mk", "kn", "mn")), (2, 4))
MATRIX = weight(np.ones((3, 4)))
TABLE = Table(-2, np.arange(5))

BROKEN = {
    "an operand that is no earlier node": graph(source(), at(Reshape(1), (6,))),
    "an axis without elements": graph(source(), at(View(0, IDENTITY), (2, 0))),
    "bounds in the wrong order": graph(source(), at(Reshape(0), (6,), 1, 0)),
    "an einsum is requantised before": graph(
        source(), MATRIX, PRODUCT, at(Reshape(2), (8,)), output=0
    ),
    "batched where": graph(source(), at(Reshape(0), (6,), batched=False)),
    "bounds span": graph(source(), at(Requantise(0, 1), (2, 3), -4, 4)),
    "bits <= 32": graph(source(), at(Requantise(0, 1), (2, 3), -(2**32), 2**32 - 1)),
    "a weight of another shape": graph(source(), replace(MATRIX, shape=(4, 3)), output=0),
    "not of signed integers": graph(
        source(), at(Weight(np.ones(2)), (2,), batched=False), output=0
    ),
    "one map per source axis": graph(source(), at(View(0, IDENTITY[:1]), (2, 3))),
    "coefficient of zero": graph(
        source(), at(View(0, (Affine(0, ((0, 0),)), IDENTITY[1])), (2, 3))
    ),
    "an index outside": graph(source(), at(View(0, (Indices(0, (0, 2)), IDENTITY[1])), (2, 3))),
    "as many indices": graph(source(), at(View(0, (Indices(0, (0,)), IDENTITY[1])), (2, 3))),
    "at most one source axis": graph(source(), at(View(0, (IDENTITY[0], IDENTITY[0])), (2, 3))),
    "a target axis belongs": graph(
        source(), at(View(0, (IDENTITY[0], Affine(0, ((2, 1),)))), (2, 3))
    ),
    "keeps the number": graph(source(), at(Reshape(0), (5,))),
    "operands of another shape": graph(source(), at(Linear(((1, 0),)), (3, 2))),
    "one letter per axis": graph(source(), MATRIX, replace(PRODUCT, shape=(2,)), output=0),
    "lower-case": graph(
        source(), MATRIX, replace(PRODUCT, operation=Einsum(0, 1, ("Mk", "kn", "Mn"))), output=0
    ),
    "of different lengths": graph(
        source(), MATRIX, replace(PRODUCT, operation=Einsum(0, 1, ("mk", "nk", "mn"))), output=0
    ),
    "that no operand has": graph(
        source(), MATRIX, replace(PRODUCT, operation=Einsum(0, 1, ("mk", "kn", "mz"))), output=0
    ),
    "of one operand only": graph(
        source(), MATRIX, at(Einsum(0, 1, ("mk", "kn", "m")), (2,)), output=0
    ),
    "a negative shift": graph(source(), at(Requantise(0, -1), (2, 3), -4, 3)),
    "a shift of 62 bits or more": graph(source(), at(Requantise(0, 62), (2, 3), -4, 3)),
    r"a coefficient beyond 2\^62": graph(source(), at(Linear(((1 << 62, 0),)), (2, 3), -4, 3)),
    "an operand of another shape": graph(source(), at(Requantise(0, 1), (3, 2), -4, 3)),
    "distinct axes": graph(source(), at(Maximum(0, (1, 1)), (2,))),
    "more than 4 elements": graph(source((2, 5)), at(Maximum(0, (1,)), (2,))),
    "drops its axes": graph(source(), at(Maximum(0, (1,)), (2, 3))),
    "a table that does not exist": graph(source(), at(Lookup(0, 0), (2, 3))),
    "einsum that was not requantised": graph(source(), MATRIX, PRODUCT),
    "Table 0": graph(source(), tables=[Table(0, np.zeros((2, 2), np.int64))]),
    "is no node": replace(graph(source()), outputs=(7,)),
    "a name and a shape": replace(graph(source()), output_names=()),
    "not as many elements": replace(graph(source()), output_shapes=((7,),)),
    "its input nodes, in order": graph(source(), replace(source(), operation=Input(1))),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_every_rule_is_enforced(rule):
    broken = BROKEN[rule]
    with pytest.raises(InternalError, match=rule) as caught:
        broken.validate()
    if (
        rule != "not of signed integers"
    ):  # a file holds integers only; one that breaks a rule is malformed
        with pytest.raises(MalformedError):
            IntegerGraph.from_bytes(broken.to_bytes())
    assert any(f"'{name}'" in caught.value.message for name in ("here", "w", "x", "y")) or (
        rule in ("Table 0", "a name and a shape", "its input nodes, in order")
    )


def test_a_tensor_beyond_62_bits_is_unsupported():
    wide = graph(source(), at(Linear(((1 << 60, 0),)), (2, 3), -(2**62), 2**62, name="wide"))
    with pytest.raises(UnsupportedError, match="'wide' can reach"):
        wide.validate()
    with pytest.raises(MalformedError):
        IntegerGraph.from_bytes(wide.to_bytes())


def everything():
    return graph(
        source(),
        MATRIX,
        PRODUCT,
        at(Requantise(2, 1), (2, 4), -(2**23), 2**23 - 1),
        at(Maximum(3, (1,), 0), (2,)),
        at(View(0, (Affine(1, ()), Indices(0, (2, 0)))), (2,)),
        at(Linear(((3, 4), (-1, 5)), 7), (2,)),
        at(Requantise(5, 14, floor=True), (2,), -2, 1),
        at(Lookup(7, 0), (2,), 0, 4),
        at(Linear(((1, 6), (1, 8))), (2,)),
        at(Reshape(9), (1, 2)),
        tables=[TABLE],
    )


def test_the_binary_form_is_one_to_one():
    data = everything().to_bytes()
    again = IntegerGraph.from_bytes(data)
    assert again.to_bytes() == data
    x = [np.array([[3, -4, 5], [6, 7, -8]])]
    for ours, theirs in zip(run(everything(), x), run(again, x), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert "Lookup 1" in repr(again)
    assert sum(again.summary().values()) == 11


def test_damaged_bytes_are_malformed_or_another_graph():
    data = everything().to_bytes()
    for place in range(len(data)):
        for damaged in (data[:place], data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]):
            try:
                other = IntegerGraph.from_bytes(damaged)
            except MalformedError:
                continue
            assert damaged != data
            assert other.to_bytes() == damaged
    with pytest.raises(MalformedError):
        IntegerGraph.from_bytes(data + b"\0")


def test_pruning_keeps_the_function_and_the_inputs():
    nodes = list(everything().nodes)
    nodes.insert(3, at(Lookup(0, 0), (2, 3), 0, 4, name="dead"))

    def moved(index):
        return index + (index >= 3)

    shifted = []
    for item in nodes:
        operation = item.operation
        if item.name != "dead" and isinstance(operation, Linear):
            operation = replace(operation, terms=tuple((c, moved(s)) for c, s in operation.terms))
        elif item.name != "dead" and hasattr(operation, "source"):
            operation = replace(operation, source=moved(operation.source))
        if isinstance(operation, Lookup):
            operation = replace(operation, table=0 if item.name == "dead" else 1)
        shifted.append(replace(item, operation=operation))
    grown = graph(*shifted, tables=[Table(0, np.zeros(1, np.int64)), TABLE])
    grown.validate()
    assert pruned(grown).to_bytes() == everything().to_bytes()


# -- semantics, against loops that follow the docstrings to the letter


def both(made, inputs):
    """The numpy run's values, which torch's equal bit for bit."""
    values = run(made, inputs, batch=True)
    for ours, theirs in zip(values, torch_run(made, inputs), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    return values


@st.composite
def views(draw):
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    target = tuple(draw(st.lists(st.integers(1, 4), min_size=0, max_size=4)))
    free = list(draw(st.permutations(range(len(target)))))
    axes = []
    for length in shape:
        if free and draw(st.booleans()):
            axis = free.pop()
            places = st.lists(
                st.integers(0, length - 1), min_size=target[axis], max_size=target[axis]
            )
            axes.append(Indices(axis, tuple(draw(places))))
            continue
        taken = [free.pop() for _ in range(min(len(free), draw(st.integers(0, 2))))]
        coefficients = [draw(st.sampled_from([-2, -1, 1, 2, 3])) for _ in taken]
        terms = tuple(zip(taken, coefficients, strict=True))
        axes.append(Affine(draw(st.integers(-3, 5)), terms))
    return shape, target, tuple(axes)


@few
@given(views(), st.integers(0, 2**32 - 1))
def test_views(view, seed):
    shape, target, axes = view
    made = graph(source(shape), at(View(0, axes), target))
    made.validate()
    x = np.random.default_rng(seed).integers(-100, 100, (2, *shape))
    expected = np.zeros((2, *target), dtype=np.int64)
    for place in itertools.product(*map(range, target)):
        index = [
            m.indices[place[m.axis]]
            if isinstance(m, Indices)
            else m.offset + sum(c * place[a] for a, c in m.terms)
            for m in axes
        ]
        if all(0 <= i < n for i, n in zip(index, shape, strict=True)):
            expected[(slice(None), *place)] = x[(slice(None), *index)]
    np.testing.assert_array_equal(both(made, [x])[1], expected)


@few
@given(st.integers(-(2**40), 2**40), st.integers(0, 20), st.booleans())
def test_requantisation_rounds_half_up(value, shift, floor):
    half = 0 if floor or shift == 0 else 1 << shift - 1
    expected = (value + half) // (1 << shift)
    nodes = [
        at(Input(0), (1,), -1, 0),
        at(Linear((), value), (1,), value, value, batched=False),
        at(Linear(((1, 1), (0, 0))), (1,)),
        at(Requantise(2, shift, floor), (1,), -(2**23), 2**23 - 1),
    ]
    made = graph(*nodes)
    if -(2**23) <= expected < 2**23:
        assert both(made, [np.zeros((1, 1), np.int64)])[3].tolist() == [[expected]]
    else:
        for runner in (functools.partial(run, batch=True), torch_run):
            with pytest.raises(InputError, match="'here' overflows"):
                runner(made, [np.zeros((1, 1), np.int64)])


@pytest.mark.parametrize("bits", [16, 30])
def test_products_are_exact_beyond_the_integers_of_float64(bits):
    # 2^30 * 2^30 has 60 bits: float64 would round it
    rng = np.random.default_rng(0)
    x = rng.integers(2 ** (bits - 1), 2**bits, (3, 2, 3))
    w = rng.integers(2 ** (bits - 1), 2**bits, (3, 4)) | 1
    wide = at(Input(0), (2, 3), -(2**30), 2**30 - 1, name="x")
    made = graph(wide, weight(w), PRODUCT, output=0)
    exact = [
        [[sum(int(a) * int(b) for a, b in zip(r, c, strict=True)) for c in w.T] for r in m]
        for m in x
    ]
    assert both(made, [x])[2].tolist() == exact


def test_products_that_cancel_are_exact():
    # (2^30 - 1)^2 - 2^30 (2^30 - 2) = 1: the bounds are small, what is added up is not
    wide = at(Input(0), (1, 2), -(2**31 // 2), 2**30 - 1, name="x")
    column = weight([[2**30 - 1], [2**30]])
    tight = at(Einsum(0, 1, ("mk", "kn", "mn")), (1, 1), -(2**40), 2**40)
    values = both(graph(wide, column, tight, output=0), [np.array([[[2**30 - 1, -(2**30 - 2)]]])])
    assert values[2].tolist() == [[[1]]]


def test_einsums_carry_the_batch_of_either_operand():
    rng = np.random.default_rng(0)
    x, w = rng.integers(-9, 9, (5, 2, 3)), rng.integers(-9, 9, (2, 3))
    made = graph(
        source(),
        weight(w),
        at(Einsum(0, 1, ("ij", "ij", "i")), (2,)),
        at(Einsum(1, 0, ("ij", "kj", "ik")), (2, 2)),
        at(Einsum(0, 0, ("ij", "kj", "ik")), (2, 2)),
        output=0,
    )
    made.validate()
    values = both(made, [x])
    np.testing.assert_array_equal(values[2], (x * w).sum(-1))
    np.testing.assert_array_equal(values[3], np.einsum("ij,bkj->bik", w, x))
    np.testing.assert_array_equal(values[4], x @ x.transpose(0, 2, 1))


def test_maxima_and_lookups():
    made = graph(
        source((2, 4)),
        at(Maximum(0, (1,), -1), (2,)),
        at(Maximum(0, (), 0), (2, 4)),
        at(Lookup(1, 0), (2,)),
        tables=[Table(-1, np.array([10, 20, 30]))],
    )
    made.validate()
    x = np.array([[[-5, -6, -7, -8], [1, 0, -3, -9]]])
    values = both(made, [x])
    assert values[1].tolist() == [[-1, 1]]
    assert values[2].tolist() == np.maximum(x, 0).tolist()
    assert values[3].tolist() == [[10, 30]]
    with pytest.raises(InputError, match="'here' overflows") as caught:
        run(made, [x + 3], batch=True)
    assert caught.value.details["allowed"] == [-1, 1]
    with pytest.raises(VerifaiError, match="'here' overflows"):
        torch_run(made, [x + 3])
