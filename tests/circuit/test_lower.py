"""Honest runs satisfy the table; what is public, committed and shared is as the spec says."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.circuit.graphs import Graph, run
from tests.circuit.models import MODELS, digits, max_pool, mlp, random_inputs, sigmoid
from verifai.circuit.lower import lower
from verifai.circuit.satisfied import unsatisfied
from verifai.circuit.visibility import Visibility
from verifai.circuit.witness import NodeValues, witness
from verifai.errors import InputError, UnsupportedError
from verifai.graph.integer import Affine
from verifai.verifier.native.parse import parse_table
from verifai.verifier.native.table import Committed, Weight

PRIVATE = Visibility(input="private", output="private")
COMMITTED = Visibility(input="committed", output="committed")


def committed_values(lowered, values, batch):
    found = witness(lowered, values, batch)
    return dict(zip(lowered.operations.committed, found, strict=True))


def inputs_of(lowered):
    return [tensor.node for tensor in lowered.operations.inputs]


def outputs_of(lowered):
    return [tensor.node for tensor in lowered.operations.outputs]


def shapes_by_name(lowered, kind=Committed):
    table = lowered.operations
    return {
        (lowered.names[index], node.operation.limbs): node.shape
        for index, node in enumerate(table.nodes)
        if isinstance(node.operation, kind)
    }


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("fuse", [True, False], ids=["fused", "plain"])
@pytest.mark.parametrize("model", MODELS)
def test_an_honest_run_satisfies_the_table_and_gives_the_outputs(model, fuse, batch):
    for seed in range(4):
        graph = MODELS[model](seed)
        lowered = lower(graph, Visibility(), fuse=fuse)
        inputs = random_inputs(graph, batch, seed)
        values = run(graph, inputs)
        found = witness(lowered, values, batch)
        assert unsatisfied(lowered.operations, lowered.weights, found, batch) == []
        at = dict(zip(lowered.operations.committed, found, strict=True))
        for index, given in zip(inputs_of(lowered), inputs, strict=True):
            assert np.array_equal(at[index], given)
        for index, node in zip(outputs_of(lowered), graph.outputs, strict=True):
            expected = values[node]
            if not graph.nodes[node].batched:
                expected = np.broadcast_to(expected, (batch, *expected.shape))
            assert at[index].reshape(-1).tolist() == expected.reshape(-1).tolist()


@pytest.mark.parametrize("visibility", [Visibility(), PRIVATE], ids=["public", "private"])
@pytest.mark.parametrize("fuse", [True, False], ids=["fused", "plain"])
@pytest.mark.parametrize("model", MODELS)
def test_the_verifier_reads_the_table(model, fuse, visibility):
    lowered = lower(MODELS[model](), visibility, fuse=fuse)
    parsed = parse_table(lowered.table)
    ours = lowered.operations
    assert [(n.shape, n.batched) for n in parsed.nodes] == [
        (n.shape, n.batched) for n in ours.nodes
    ]
    assert (parsed.zero, parsed.public) == (ours.zero, ours.public)
    assert [p.factors for p in parsed.product] == [p.factors for p in ours.product]


@pytest.mark.parametrize("model", MODELS)
def test_any_other_value_of_any_committed_tensor_violates_something(model):
    graph = MODELS[model]()
    rng = np.random.default_rng(5)
    for fuse in (True, False):
        lowered = lower(graph, PRIVATE, fuse=fuse)
        honest = witness(lowered, run(graph, random_inputs(graph, 2)), 2)
        inputs = set(inputs_of(lowered))
        for place, index in enumerate(lowered.operations.committed):
            if index in inputs:
                continue  # another input is another statement
            for change in (-1, 1):
                changed = [value.copy() for value in honest]
                changed[place].flat[rng.integers(changed[place].size)] += change
                assert unsatisfied(lowered.operations, lowered.weights, changed, 2), (
                    lowered.names[index],
                    change,
                )


@pytest.mark.parametrize("model", MODELS)
def test_weights_are_laid_out_by_the_model_alone(model):
    graph = MODELS[model]()
    tables = [
        lower(graph, visibility, fuse=fuse)
        for visibility in (Visibility(), PRIVATE)
        for fuse in (True, False)
    ]
    sections = [
        [node for node in json.loads(lowered.table)["nodes"] if node["kind"] == "weight"]
        for lowered in tables
    ]
    assert all(section == sections[0] for section in sections)
    for lowered in tables:
        assert [w.tolist() for w in lowered.weights] == [w.tolist() for w in tables[0].weights]
        nodes = lowered.operations.nodes
        shapes = [nodes[index].shape for index in lowered.operations.weights]
        assert shapes == [weight.shape for weight in lowered.weights]


def test_public_tensors_are_in_the_witness_and_private_ones_in_regions_of_their_own():
    graph = mlp()
    for visibility, regions in (
        (Visibility(), ("witness", "witness")),
        (PRIVATE, ("input", "output")),
    ):
        lowered = lower(graph, visibility)
        found = [
            lowered.operations.nodes[index].operation.region
            for index in (
                *inputs_of(lowered),
                *outputs_of(lowered),
            )
        ]
        assert tuple(found) == regions
        both = (*inputs_of(lowered), *outputs_of(lowered))
        assert lowered.operations.public == (both if visibility == Visibility() else ())


@pytest.mark.parametrize("model", MODELS)
def test_committed_tensors_have_one_form_in_all_circuits(model):
    """16 bits from -2^15: equal tensors have equal rows. An output gets a copy, so that no range
    that a constraint needs is replaced by this wider one.
    """
    graph = MODELS[model]()
    plain = lower(graph, PRIVATE, hiding=True)
    lowered = lower(graph, COMMITTED, hiding=True)
    table = parse_table(lowered.table)
    assert table.linked == (
        *inputs_of(lowered),
        *outputs_of(lowered),
    )
    for index in table.linked:
        own = lowered.operations.nodes[index].operation
        assert (own.offset, own.limbs) == (-(1 << 15), (8, 8))
    ranges = [
        node.operation.offset
        for node in plain.operations.nodes
        if isinstance(node.operation, Committed) and node.operation.region == "witness"
    ]
    others = [
        node.operation.offset
        for node in lowered.operations.nodes
        if isinstance(node.operation, Committed) and node.operation.region == "witness"
    ]
    assert set(ranges) <= set(others)
    values = run(graph, random_inputs(graph, 2))
    assert unsatisfied(lowered.operations, lowered.weights, witness(lowered, values, 2), 2) == []


def test_an_output_beyond_16_bits_from_the_middle_cannot_be_committed():
    graph = Graph()
    x = graph.input((4,), name="x")
    graph.outputs = [graph.linear((1, x), offset=40_000, name="shifted")]
    with pytest.raises(UnsupportedError, match="shifted"):
        lower(graph, COMMITTED, hiding=True)


def test_a_fused_requantisation_is_not_committed():
    fused, plain = lower(digits(), Visibility()), lower(digits(), Visibility(), fuse=False)
    assert ("conv", (8, 8)) in shapes_by_name(plain)
    assert ("conv", (8, 8)) not in shapes_by_name(fused)
    # The remainder has the shape of the differences: the row that pooling drops is gone.
    assert shapes_by_name(plain)["conv", (5,)] == (3, 7, 6)
    assert shapes_by_name(fused)["pool", (5,)] == (3, 3, 3, 2, 2)
    assert shapes_by_name(fused)["pool", (8, 8)] == (3, 3, 3, 2, 2)


def test_a_maximum_does_not_take_over_what_others_read():
    graph = mlp()
    requantise = next(i for i, n in enumerate(graph.nodes) if n.name == "first")
    assert ("first", (8, 8)) not in shapes_by_name(lower(graph, Visibility()))
    graph.outputs.append(requantise)
    assert ("first", (8, 8)) in shapes_by_name(lower(graph, Visibility()))
    graph.outputs[-1] = graph.linear((1, requantise), name="other")
    lowered = lower(graph, Visibility())
    assert ("first", (8, 8)) in shapes_by_name(lowered)


@pytest.mark.parametrize(
    ("axes", "shape"),
    [
        ((Affine(0, ((0, 1), (1, 1))),), (3, 2)),  # overlapping windows
        ((Affine(1, ((0, 2), (1, 1))),), (3, 2)),  # beyond the end
        ((Affine(-1, ((0, 2), (1, 1))),), (3, 2)),  # before the start
        ((Affine(0, ((1, 1),)),), (2, 2)),  # a broadcast
    ],
)
def test_a_view_that_repeats_or_pads_prevents_fusion(axes, shape):
    rng, graph = np.random.default_rng(1), Graph()
    x = graph.input((4,), name="x")
    y = graph.dense(x, rng.integers(-9, 9, (6, 4)), None, 2, bits=12, name="dense")
    windows = graph.view(y, axes, shape)
    graph.outputs = [graph.maximum(windows, (1,), 0, name="max")]
    lowered = lower(graph, Visibility())
    assert ("dense", (8, 4)) in shapes_by_name(lowered)
    values = run(graph, random_inputs(graph, 2))
    assert unsatisfied(lowered.operations, lowered.weights, witness(lowered, values, 2), 2) == []


def test_a_hint_has_no_limbs_until_it_is_an_output():
    graph = sigmoid()
    assert shapes_by_name(lower(graph, Visibility()))["again", ()] == (5,)
    graph.outputs = [next(i for i, n in enumerate(graph.nodes) if n.name == "again")]
    lowered = lower(graph, PRIVATE)
    assert ("again", ()) not in shapes_by_name(lowered)
    assert lowered.operations.nodes[outputs_of(lowered)[0]].operation.bits == 8


def test_equal_tables_are_shared():
    lowered = lower(sigmoid(), Visibility())
    assert len(lowered.operations.tables) == 1
    assert [lookup.table for lookup in lowered.operations.lookup] == [0, 0]


def test_an_output_that_is_an_input_or_given_twice_is_a_copy():
    graph = mlp()
    graph.outputs += [graph.outputs[0], graph.inputs[0]]
    lowered = lower(graph, Visibility())
    assert len({*outputs_of(lowered), *inputs_of(lowered)}) == 4
    values = run(graph, random_inputs(graph, 2))
    at = committed_values(lowered, values, 2)
    assert np.array_equal(at[outputs_of(lowered)[0]], at[outputs_of(lowered)[1]])
    assert np.array_equal(at[outputs_of(lowered)[2]], at[inputs_of(lowered)[0]])


def test_dead_nodes_are_dropped_and_inputs_stay():
    lowered = lower(MODELS["weights_only"](), Visibility())
    assert "dead" not in lowered.names
    assert len(inputs_of(lowered)) == 2


def test_an_einsum_under_a_reshape_is_moved_or_committed():
    lowered = lower(MODELS["grouped"](), Visibility())
    # "y" was fused and moved below the reshape; the biased branch needs the product itself.
    assert ("relu", (8, 8)) in shapes_by_name(lowered)
    assert shapes_by_name(lowered)["relu", (4,)] == (2, 2, 4)
    assert shapes_by_name(lowered)["flat", ()] == (2, 2, 4)


def test_a_wide_output_is_refused_by_name():
    graph = mlp()
    graph.outputs = [graph.requantise(graph.inputs[0], 0, bits=17, name="wide")]
    with pytest.raises(UnsupportedError, match=r"'wide'.*17 bits"):
        lower(graph, Visibility(output="committed"))
    lower(graph, Visibility())  # public ones have 32
    graph.outputs = [graph.linear((1 << 26, graph.inputs[0]), name="scaled")]
    with pytest.raises(UnsupportedError, match=r"'scaled'.*3\d bits"):
        lower(graph, Visibility())


def test_limits_are_refused_by_name():
    graph = Graph()
    x = graph.input((1,), name="x")
    ones = graph.view(x, (Affine(0, ()),), (1 << 13, 1 << 12), name="huge")
    graph.outputs = [graph.requantise(ones, 0, name="y")]
    with pytest.raises(UnsupportedError, match="'huge'"):
        lower(graph, Visibility())
    graph = Graph()
    x = graph.input((5,), name="x")
    graph.outputs = [graph.maximum(x, (0,), 0, name="five")]
    with pytest.raises(UnsupportedError, match=r"'five'.*6 factors"):
        lower(graph, Visibility())


def test_values_outside_their_range_name_the_node():
    graph = mlp()
    lowered = lower(graph, Visibility())
    values = run(graph, random_inputs(graph, 1))
    values[graph.inputs[0]] = values[graph.inputs[0]].copy()
    values[graph.inputs[0]][0, 0] = 128
    with pytest.raises(InputError, match=r"'x'.*128"):
        witness(lowered, values, 1)


def test_a_hint_that_no_row_holds_names_the_node():
    """An einsum under a reshape is committed without a range; a row's entries have 32 bits."""
    graph = Graph()
    x = graph.input((2,), 0, 100)
    product = graph.einsum("oi,i->o", graph.weight([[1 << 30, 1], [1, 1]]), x, name="scale")
    flat = graph.reshape(product, (1, 2), name="scale")
    graph.outputs.append(graph.requantise(graph.linear((1, flat), offset=1), 24))
    lowered = lower(graph, Visibility())
    assert any(
        isinstance(node.operation, Committed) and not node.operation.limbs
        for node in lowered.operations.nodes
    )
    witness(lowered, run(graph, [np.array([[1, 5]])]), 1)
    with pytest.raises(InputError, match=f"'scale'.*{3 << 30}") as error:
        witness(lowered, run(graph, [np.array([[3, 0]])]), 1)
    assert error.value.details["observed"][1] == 3 << 30
    assert error.value.details["allowed"] == [-(1 << 31), (1 << 31) - 1]


def test_one_step_for_each_committed_node():
    lowered = lower(max_pool(), Visibility())
    assert len(lowered.program) == len(lowered.operations.committed)
    assert isinstance(lowered.program[0], NodeValues)


def test_the_number_of_columns_follows_the_weights_and_can_be_given():
    graph = mlp()
    assert lower(graph, Visibility()).operations.log_columns == 12
    assert lower(graph, Visibility(), log_columns=11).operations.log_columns == 11
    big = Graph()
    x = big.input((1 << 10,), name="x")
    w = big.add(
        replace(big_weight(), values=np.zeros((1 << 12, 1 << 10), dtype=np.int64)),
        (1 << 12, 1 << 10),
        0,
        0,
        batched=False,
    )
    big.outputs = [big.requantise(big.einsum("oi,i->o", w, x), 0, name="y")]
    lowered = lower(big, Visibility())
    assert lowered.operations.log_columns == 14
    assert isinstance(lowered.operations.nodes[1].operation, Weight)


def big_weight():
    from verifai.graph.integer import Weight

    return Weight(np.zeros(1, dtype=np.int64))
