"""All witnesses of one operator on numbers of few bits, by trying every value of every tensor.

Tensors are tried in the table's order; after each the constraints that speak of tried ones alone
cut away what cannot be completed. What has no range of its own is an output of a table, or tried
within ``REACH`` of zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from verifai.circuit.lower import lower
from verifai.circuit.lowered import LoweredCircuit
from verifai.circuit.satisfied import node_values
from verifai.circuit.visibility import Visibility
from verifai.circuit.witness import witness
from verifai.errors import InputError
from verifai.graph import IntegerGraph, run
from verifai.graph.build import operators
from verifai.graph.lower import OPERATORS, Lowering, Options
from verifai.graph.prune import pruned
from verifai.model.nodes import OnnxNode
from verifai.verifier.native.table import Committed, Table, operands

assert operators

#: What is tried of a tensor without a range: no value of these circuits is further from zero.
REACH = 40
#: Most candidates at a time.
MAX_CANDIDATES = 1 << 21


def operator_graph(
    operator: str,
    inputs: Mapping[str, tuple[tuple[int, ...], int, int]],
    constants: Mapping[str, np.ndarray] | None = None,
    outputs: int = 1,
    kind: str = "int64",
    **attributes: Any,
) -> IntegerGraph:
    """One operator on integers of few bits.

    Args:
        inputs: by name, in the operator's order before the constants: shape, bits, lowest value.
    """
    low = Lowering(Options(), {}, 18)
    low.folded.update(constants or {})
    low.literals.update(constants or {})
    names = [f"y{place}" for place in range(outputs)]
    low.kinds = dict.fromkeys([*inputs, *names], np.dtype(kind))
    for place, (name, (shape, bits, first)) in enumerate(inputs.items()):
        low.tensors[name] = low.builder.input(place, shape, bits, 0, first)
    operands = (*inputs, *(constants or {}))
    node = OnnxNode("node", "", operator, operands, tuple(names), attributes)
    made = OPERATORS[operator](low, node)
    results = [low.settled(x, "y0") for x in (made if isinstance(made, list) else [made])]
    graph = IntegerGraph(
        nodes=tuple(low.builder.nodes),
        inputs=tuple(range(len(inputs))),
        outputs=tuple(x.node for x in results),
        tables=tuple(low.builder.tables),
        input_names=tuple(inputs),
        output_names=tuple(names),
        input_shapes=tuple(shape for shape, _, _ in inputs.values()),
        output_shapes=tuple(x.shape for x in results),
    )
    graph = pruned(graph)
    graph.validate()
    return graph


def check_every_witness(
    graph: IntegerGraph, expected: Callable[..., Sequence[np.ndarray] | None]
) -> int:
    """Each input has one witness, with the expected outputs; or none, where None is expected.

    Returns:
        how many inputs there are.
    """
    lowered = lower(graph, Visibility(input="private", output="private"))
    domains = [
        [range(graph.nodes[at].low, graph.nodes[at].high + 1)] * int(np.prod(graph.nodes[at].shape))
        for at in graph.inputs
    ]
    count = 0
    for given in product(*(product(*domain) for domain in domains)):
        arrays = [
            np.array(values, dtype=np.int64).reshape(graph.nodes[at].shape)
            for values, at in zip(given, graph.inputs, strict=True)
        ]
        wanted = expected(*arrays)
        found = all_witnesses(lowered, arrays)
        count += 1
        if wanted is None:
            assert not len(found[0]), given
            try:
                run(graph, arrays)
            except InputError:
                continue
            raise AssertionError(given)
        values = run(graph, [array[np.newaxis] for array in arrays], batch=True)
        for at, right in zip(graph.outputs, wanted, strict=True):
            assert np.array_equal(values[at].reshape(right.shape), right), given
        assert len(found[0]) == 1, given
        for one, honest in zip(found, witness(lowered, values, 1), strict=True):
            assert np.array_equal(one, honest), given
    return count


def all_witnesses(lowered: LoweredCircuit, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Every satisfying witness that has these inputs.

    Returns:
        int64, one array per committed node in table order, (witnesses, *shape).
    """
    table = lowered.operations
    fixed = {tensor.node: values for tensor, values in zip(table.inputs, inputs, strict=True)}
    reads = _read(table)
    entries = {
        lookup.output: np.unique(table.tables[lookup.table].outputs) for lookup in table.lookup
    }
    tried: set[int] = set()
    found = [np.zeros((1, *table.nodes[at].shape), dtype=np.int64) for at in table.committed]
    for place, at in enumerate(table.committed):
        tried.add(at)
        node = table.nodes[at]
        assert isinstance(node.operation, Committed)
        assert node.batched
        if at in fixed:
            found[place] = np.broadcast_to(fixed[at], (len(found[0]), *node.shape)).copy()
        else:
            if node.operation.limbs:
                first, count = node.operation.offset, 1 << node.operation.bits
                domain = np.arange(first, first + count)
            else:
                domain = entries.get(at, np.arange(-REACH, REACH + 1))
            for element in np.ndindex(*node.shape):
                size = len(found[0])
                assert size * len(domain) <= MAX_CANDIDATES, "too many witnesses to try"
                found = [np.repeat(array, len(domain), axis=0) for array in found]
                found[place][(slice(None), *element)] = np.tile(domain, size)
        kept = _holding(lowered, found, reads, tried)
        found = [array[kept] for array in found]
        if not len(found[0]):
            break
    return found


def _read(table: Table) -> list[set[int]]:
    """The committed nodes that each node is computed from."""
    result: list[set[int]] = []
    for at, node in enumerate(table.nodes):
        own = {at} if isinstance(node.operation, Committed) else set()
        result.append(own.union(*(result[source] for source in operands(node.operation))))
    return result


def _holding(
    lowered: LoweredCircuit, found: list[np.ndarray], reads: list[set[int]], tried: set[int]
) -> np.ndarray:
    """Which candidates no constraint forbids that reads nothing but what was tried."""
    table = lowered.operations
    size = len(found[0])
    values = node_values(table, lowered.weights, found, size)
    holds = np.ones(size, dtype=bool)
    demands = [values[zero] == 0 for zero in table.zero if reads[zero] <= tried]
    for constraint in table.product:
        factors = constraint.factors
        if all(reads[factor] <= tried for factor in factors):
            demands.append(np.logical_or.reduce([values[factor] == 0 for factor in factors]))
    for lookup in table.lookup:
        if reads[lookup.input] | reads[lookup.output] <= tried:
            entries = table.tables[lookup.table]
            place = values[lookup.input] - entries.first
            within = (place >= 0) & (place < len(entries.outputs))
            expected = np.array(entries.outputs)[np.where(within, place, 0)]
            demands.append(within & (values[lookup.output] == expected))
    for demand in demands:
        holds &= demand.reshape(size, -1).all(axis=1)
    return holds
