"""A lowered circuit and its witness under the verifier's own claims, without any proof.

Each zero constraint is pulled back to committed blocks as the verifier does it, and the resulting
linear form is evaluated on the witness: lowering, witness and verifier agree on what a table means.
"""

from __future__ import annotations

import random

import numpy as np
import pytest

from tests.circuit.graphs import run
from tests.circuit.models import MODELS, random_inputs
from verifai.circuit.cost import cost
from verifai.circuit.lower import lower
from verifai.circuit.satisfied import node_values
from verifai.circuit.visibility import Visibility
from verifai.circuit.witness import witness
from verifai.verifier.native.claims import Form, eq_on_tensor
from verifai.verifier.native.contraction import axes_of, open_instances
from verifai.verifier.native.field import P, Work, bits
from verifai.verifier.native.layout import layout_of
from verifai.verifier.native.parse import parse_table
from verifai.verifier.native.table import Committed, Weight, expand
from verifai.verifier.native.verify import proof_bytes


def applied(term, values):
    """The sum of a term's weights times the entries of a tensor."""
    total = values.astype(object) * term.coefficient
    for group in term.groups:
        lengths = [values.shape[axis] for axis in group.axes]
        vector = np.array(group.values, dtype=object).reshape(lengths)
        missing = tuple(axis for axis in range(values.ndim) if axis not in group.axes)
        total = total * np.expand_dims(vector, missing) % P
    return int(total.sum()) % P


def blocks_of(table, layout, values):
    """Block number -> the integers it holds, in the tensor's shape."""
    found = {}
    for node, blocks, value in zip(table.nodes, layout.node_blocks, values, strict=True):
        operation = node.operation
        if isinstance(operation, Weight):
            found[blocks[0]] = value
        elif isinstance(operation, Committed):
            raw = value - operation.offset
            for block, width in zip(blocks, operation.limbs or (62,), strict=True):
                found[block] = raw & ((1 << width) - 1) if operation.limbs else raw
                raw = raw >> width
    return found


def ends_of_zeros(lowered, committed, batch):
    """For each zero node: the verifier's claim at a random point, evaluated on the witness."""
    rng = random.Random(7)
    table = expand(parse_table(lowered.table), batch)
    layout = layout_of(table)
    values = node_values(lowered.operations, lowered.weights, committed, batch)
    blocks = blocks_of(table, layout, values)
    ends = []
    for zero in table.zero:
        dims = table.nodes[zero].shape
        form = Form(table, layout, Work())
        point = [rng.randrange(P) for _ in range(sum(map(bits, dims)))]
        term = eq_on_tensor(dims, point, form.work)
        end = 0
        for einsum, weights in open_instances(form, zero, term, 1):
            end += applied(weights, values[einsum])
            axes, out = (
                axes_of(table.nodes[einsum].operation),
                table.nodes[einsum].operation.labels[2],
            )
            for group in weights.groups:
                letters = {out[axis] for axis in group.axes}
                assert any(letters <= set(kind) for kind in (axes.g, axes.m, axes.n))
        form.pull_back()
        for block, terms in form.on_blocks.items():
            end += sum(applied(part, blocks[block]) for part in terms)
        ends.append((end + form.constant) % P)
    return ends


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("fuse", [True, False], ids=["fused", "plain"])
@pytest.mark.parametrize("model", MODELS)
def test_the_verifiers_claims_hold_for_an_honest_witness(model, fuse, batch):
    graph = MODELS[model]()
    lowered = lower(graph, Visibility(), fuse=fuse)
    committed = witness(lowered, run(graph, random_inputs(graph, batch)), batch)
    assert set(ends_of_zeros(lowered, committed, batch)) == {0}


def test_a_changed_value_fails_at_its_constraint():
    graph = MODELS["digits"]()
    lowered = lower(graph, Visibility())
    committed = witness(lowered, run(graph, random_inputs(graph, 1)), 1)
    place = lowered.operations.committed.index(lowered.operations.outputs[0].node)
    committed[place] = committed[place].copy()
    committed[place][0, 0] += 1
    ends = ends_of_zeros(lowered, committed, 1)
    assert ends[0] == 0  # the pool's
    assert ends[-1] != 0


@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize("model", MODELS)
def test_the_cost_is_the_length_of_the_proof(model, batch):
    table = lower(MODELS[model](), Visibility()).table
    assert cost(table, batch).chosen.proof_bytes == proof_bytes(table, batch)
