"""Costs against counts by hand, and LeNet-5 against the review's figures."""

from __future__ import annotations

import pytest

from tests.circuit.graphs import Graph
from tests.circuit.models import attention, lenet5, mlp, sigmoid
from verifai.circuit.cost import LOG_COLUMNS_RANGE, cost
from verifai.circuit.lower import lower
from verifai.circuit.visibility import Visibility
from verifai.errors import LimitError, MalformedError


def test_a_circuit_counted_by_hand():
    graph = Graph()
    x = graph.input((3, 10), name="x")  # 8 bits
    w = graph.weight([[1] * 3] * 5)
    graph.outputs = [graph.requantise(graph.einsum("mk,kn->mn", w, x), 9, bits=12, name="y")]
    lowered = lower(graph, Visibility(), log_columns=11)
    found = cost(lowered.table, 2)
    # x: one limb of 30; y: 8 + 4 and r: 8 + 1, four limbs of 50; twice.
    assert (found.lookups, found.limbs) == (2 * (30 + 200), 2 * (30 + 200))
    assert found.products == 0
    # Rows of 10 public values need two words.
    assert found.words == 2 * 2 * (3 + 5)
    # The contraction runs over k, 3 values; the batch belongs to x alone.
    assert (found.contractions, found.contraction_bits) == (1, 2)
    assert found.weight_slots == 8 * 4
    # Cube: a group of one (x), 2 * 3 blocks of 16, and one of four, 2 * 5 blocks of 16: 256 slots.
    assert (found.lookup_groups, found.cube_bits) == (2, 8)
    rows = {"weight": 1, "input": 0, "output": 0, "witness": 1, "helper": 1, "mask": 0, "linked": 0}
    assert found.chosen.rows == rows
    assert found.chosen.address_bits == 13
    scalars = 6 * 8 + 5 + 2 * 2 + 2 + 2 * 13 + 1 + 13
    points = 1 + 1 + 12
    assert found.chosen.proof_bytes == 32 * scalars + 64 * points
    assert "under a second" in repr(found)


def test_lookups_of_tables_count():
    found = cost(lower(sigmoid(), Visibility()).table)
    assert found.lookups - found.limbs == 2 * 5


def test_every_width_is_compared():
    found = cost(lower(mlp(), Visibility()).table, 64)
    assert [width.log_columns for width in found.widths] == list(LOG_COLUMNS_RANGE)
    assert found.chosen == found.widths[12 - LOG_COLUMNS_RANGE.start]
    rows = [sum(width.rows.values()) for width in found.widths]
    assert rows == sorted(rows, reverse=True)
    assert rows[0] > rows[-1]


def test_a_width_that_a_model_does_not_fit_is_left_out():
    """2^27 slots and more are too many rows of 2^11; the table's own width is another."""
    graph = Graph()
    value = graph.input((1 << 24,), -(1 << 15), (1 << 15) - 1, name="x")
    for layer in range(3):
        value = graph.requantise(graph.linear((256, value)), 8, bits=16, name=f"y{layer}")
    graph.outputs = [value]
    found = cost(lower(graph, Visibility()).table)
    assert found.chosen.log_columns == 12
    assert [width.log_columns for width in found.widths] == list(LOG_COLUMNS_RANGE)[1:]
    with pytest.raises(LimitError, match="MAX_ROWS"):
        cost(lower(graph, Visibility(), log_columns=11).table)


def test_an_einsum_counts_once_for_each_path():
    graph = Graph()
    x, y = graph.input((4,), name="x"), graph.input((4,), name="y")
    product = graph.einsum("i,i->i", x, y)
    twice = graph.linear((1, product), (3, graph.linear((1, product), (1, x))))
    graph.outputs = [graph.requantise(twice, 8, name="z")]
    found = cost(lower(graph, Visibility()).table, 4)
    # An elementwise product: all of its axes are shared, the batch too.
    assert (found.contractions, found.contraction_bits) == (2, 4)
    assert cost(lower(attention(), Visibility()).table).contractions == 2


def test_what_is_no_table_is_refused():
    with pytest.raises(MalformedError):
        cost(b"{}")


def test_lenet_has_the_figures_counted_by_hand():
    """31,180 lookups, 42.6 k witness and 68 k weight slots, 17 + 9 + 3 rows: counted by hand."""
    lowered = lower(lenet5(), Visibility())
    found = cost(lowered.table)
    print(found)
    for width in found.widths:
        print(width)
    conv, pool, dense, out, pixels = 6304 * 4, 1576 * 2, 204 * 6, 10 * 4, 784 * 2
    # The first figure does not count the remainders of the 10 outputs.
    assert found.lookups == conv + pool + dense + out + pixels == 31_180 + 20
    assert found.products == 1576 + 204
    assert found.contractions == 5
    assert found.weight_slots <= 80_000
    assert found.chosen.rows["witness"] == 9
    assert found.chosen.rows["helper"] == 3
    assert found.chosen.proof_bytes < 7_600
    # Adding inferences adds neither weights nor columns.
    many = cost(lowered.table, 16)
    assert many.weight_slots == found.weight_slots
    assert many.lookups == 16 * found.lookups
