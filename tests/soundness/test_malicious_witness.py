"""A prover that lies about one committed value is refused, and the violated rule has a name.

Views, reshapes, linear combinations and products of tensors are not committed: a prover has no
value of theirs to lie about.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tests.soundness.addresses import blocks, layout
from tests.soundness.lying import Array, Rules
from tests.soundness.mutations import Removal, find_lie, without
from tests.soundness.proofs import JUDGED, NAMES, Case, Prover, case, judge, rust
from verifai.circuit.lowered import Difference, NodeValues, Remainder
from verifai.circuit.satisfied import unsatisfied
from verifai.graph.integer import Einsum, Linear, Reshape, View
from verifai.proof.key import key_digest

Tensor = Callable[[str, type], Array]


def first(condition: Array) -> tuple[int, ...]:
    """The first place at which ``condition`` holds."""
    places = np.argwhere(condition)
    assert len(places), "the honest witness does not serve this lie"
    return tuple(int(i) for i in places[0])


def add(name: str, kind: type, delta: int) -> Callable[[Tensor], None]:
    """``delta`` more in the first element of a committed tensor."""

    def lie(tensor: Tensor) -> None:
        array = tensor(name, kind)
        array[(0,) * array.ndim] += delta

    return lie


def carried(name: str, shift: int) -> Callable[[Tensor], None]:
    """A value one too small, and a remainder that makes up for it."""

    def lie(tensor: Tensor) -> None:
        add(name, NodeValues, -1)(tensor)
        add(name, Remainder, 1 << shift)(tensor)

    return lie


def above_all(tensor: Tensor) -> None:
    """A maximum of digits' pool above its four elements, at a place where the pool is positive."""
    y, d = tensor("pool", NodeValues), tensor("pool", Difference)
    place = first(y > 0)
    y[place] += 1
    d[place] += 1


def second_best(tensor: Tensor) -> None:
    """The second largest element as the maximum."""
    y, d = tensor("pool", NodeValues), tensor("pool", Difference)
    place = first(np.sort(d.reshape(*y.shape, 4))[..., 1] > 0)
    second = int(np.sort(d[place].ravel())[1])
    y[place] -= second
    d[place] -= second


def negative_relu(tensor: Tensor) -> None:
    """A negative value passes the ReLU."""
    y, d = tensor("relu", NodeValues), tensor("relu", Difference)
    place = first(d > 0)
    y[place], d[place] = -d[place], 0


def dead_relu(tensor: Tensor) -> None:
    """A positive value does not pass the ReLU."""
    y, d = tensor("relu", NodeValues), tensor("relu", Difference)
    place = first(y > 0)
    y[place], d[place] = 0, -y[place]


def outside(tensor: Tensor) -> None:
    """An input that its limbs do not hold."""
    tensor("x", NodeValues)[0, 0] = 1000


#: operation: (circuit, lie, violated: kind and ONNX node).
LIES: dict[str, tuple[str, Callable[[Tensor], None], set[tuple[str, str]]]] = {
    "input above its range": ("mlp", outside, {("range", "x"), ("zero", "relu")}),
    "input within its range": ("mlp", add("x", NodeValues, 1), {("zero", "relu")}),
    "requantised value": ("mlp", add("second", NodeValues, 1), {("zero", "second")}),
    "remainder": ("mlp", add("second", Remainder, 1), {("zero", "second")}),
    "value and remainder": ("mlp", carried("second", 6), {("range", "second")}),
    "floor": ("attention", add("scores", NodeValues, 1), {("zero", "scores"), ("zero", "mixed")}),
    "maximum": ("max_pool", add("pool", NodeValues, 1), {("zero", "pool")}),
    "distance": ("max_pool", add("pool", Difference, 1), {("zero", "pool")}),
    "maximum above all": ("digits", above_all, {("product", "pool"), ("zero", "fc")}),
    "second largest": ("max_pool", second_best, {("range", "pool")}),
    "relu of a negative value": ("mlp", negative_relu, {("range", "relu"), ("zero", "second")}),
    "relu of a positive value": ("mlp", dead_relu, {("range", "relu"), ("zero", "second")}),
    "gate with another floor": (
        "attention",
        add("clip", NodeValues, 1),
        {("zero", "clip"), ("product", "clip"), ("zero", "best")},
    ),
    "lookup output": (
        "sigmoid",
        add("again", NodeValues, 1),
        {("lookup", "again"), ("zero", "second")},
    ),
    "lookup input": (
        "sigmoid",
        add("first", NodeValues, 1),
        {("lookup", "sigmoid"), ("zero", "first")},
    ),
    "hint for a reshaped product": (
        "grouped",
        add("flat", NodeValues, 1),
        {("zero", "flat"), ("zero", "z")},
    ),
    "output copy": ("weights_only", add("constant", NodeValues, 1), {("zero", "constant")}),
}


def tensors(honest: Case) -> tuple[list[Array], Tensor]:
    """A copy of the witness, and its tensors by ONNX node and kind of step."""
    copy = [array.copy() for array in honest.witness]

    def tensor(name: str, kind: type) -> Array:
        places = zip(honest.table.committed, honest.lowered.program, strict=True)
        found = [
            i
            for i, (node, step) in enumerate(places)
            if honest.lowered.names[node] == name and isinstance(step, kind)
        ]
        assert len(found) == 1, (name, kind, found)
        return copy[found[0]]

    return copy, tensor


@pytest.mark.parametrize("operation", LIES)
def test_a_lie_about_each_operation(operation: str) -> None:
    name, lie, expected = LIES[operation]
    honest = case(name)
    witness, tensor = tensors(honest)
    lie(tensor)
    found = unsatisfied(honest.table, honest.weights, witness, honest.batch)
    assert {(v.kind, honest.lowered.names[v.node]) for v in found} == expected
    refused = honest.prover.prove(witness, honest.batch, stubborn=True)
    assert judge(refused) == "last"


def test_virtual_tensors_are_not_committed() -> None:
    """No address of the vector belongs to a view, reshape, linear combination or einsum."""
    seen = set()
    for name in NAMES:
        honest = case(name)
        places = layout(honest)
        for spec, numbers in zip(honest.table.nodes, places.node_blocks, strict=True):
            if isinstance(spec.operation, (View, Reshape, Linear, Einsum)):
                seen.add(type(spec.operation))
                assert numbers == ()
            else:
                assert numbers
    assert seen == {View, Reshape, Linear, Einsum}


@pytest.mark.parametrize("name", NAMES)
def test_one_more_anywhere_counts_and_padding_does_not(name: str) -> None:
    """Limbs, hints, multiplicities, h and hT: first, last and random entries, one more or less."""
    honest, rng = case(name), random.Random(name)
    # roles that both verifiers have judged; where only one does, all count as judged
    roles = {block.role for block in blocks(honest)} | {"padding"}
    counted, free, judged = 0, 0, set() if name in JUDGED else set(roles)
    for block in blocks(honest):
        if block.role == "weight":
            continue  # committed in the key: see the test of weights
        for address in {block.real[0], block.real[-1], rng.choice(block.real)}:
            lies = [(address, rng.choice((-1, 1)))]
            claim = honest.prover.prove(honest.witness, honest.batch, lies=lies, stubborn=True)
            if block.role in judged:
                assert rust(claim) is not None, (block, address)
            else:
                assert judge(claim) == "last", (block, address)
                judged.add(block.role)
            counted += 1
        for address in block.padding[:1] + block.padding[-1:]:
            lies = [(address, 12345)]
            claim = honest.prover.prove(honest.witness, honest.batch, lies=lies, stubborn=True)
            assert claim.words == honest.claim.words
            if "padding" in judged:
                assert rust(claim) is None, (block, address)
            else:
                assert judge(claim) is None, (block, address)
                judged.add("padding")
            free += 1
    print(f"{name}: {counted} lies about entries, 0 accepted; {free} about padding, all accepted")
    assert {"limb", "multiplicity", "helper", "entry helper", "padding"} <= judged
    assert free >= 2


def test_multiplicities_that_add_up() -> None:
    """One more of one entry and one less of another."""
    honest = case("mlp")
    (block, *_) = [b for b in blocks(honest) if b.role == "multiplicity"]
    lies = [(block.real[3], 1), (block.real[40], -1)]
    claim = honest.prover.prove(honest.witness, honest.batch, lies=lies, stubborn=True)
    assert judge(claim) == "last"


def test_limbs_that_add_up() -> None:
    """The value is right, a limb is not: 256 more in the low one, one less in the high one."""
    honest = case("mlp")
    hidden = Rules(honest.table).by_zero[0].y  # not public: the words are not concerned
    low, high = [b for b in blocks(honest) if b.node == hidden]
    for sign in (1, -1):
        lies = [(low.real[0], 256 * sign), (high.real[0], -sign)]
        claim = honest.prover.prove(honest.witness, honest.batch, lies=lies, stubborn=True)
        assert judge(claim) == "last"
        assert claim.words == honest.claim.words


def test_helpers_that_add_up() -> None:
    """h and hT both one more: the total holds, the two definitions do not."""
    honest = case("mlp")
    h = next(b for b in blocks(honest) if b.role == "helper")
    ht = next(b for b in blocks(honest) if b.role == "entry helper")
    for more, less in ((h.real[0], h.real[1]), (ht.real[0], ht.real[1])):
        lies = [(more, 1), (less, -1)]
        claim = honest.prover.prove(honest.witness, honest.batch, lies=lies, stubborn=True)
        assert judge(claim) == "last"
    lies = [(h.real[0], 1), (ht.real[0], 1)]
    claim = honest.prover.prove(honest.witness, honest.batch, lies=lies, stubborn=True)
    assert judge(claim) == "last"


def test_tags_are_the_keys_and_not_the_provers() -> None:
    """A wider remainder is another key: its proofs are none under the narrow one."""
    honest = case("mlp")
    rules = Rules(honest.table)
    node = next(rule.r for rule in rules.by_zero if rule.r is not None)
    lie = find_lie(honest, Removal("range", node))
    assert lie is not None
    table = without(rules, lie.removal).to_bytes()
    wide = Prover(table, honest.weights, honest.table.log_columns)
    claim = wide.prove(lie.witness, honest.batch)
    assert judge(claim) is None
    narrow = claim.but(table=honest.claim.table)
    assert judge(narrow) is not None
    digests = {key_digest(*c.key) for c in (claim, narrow)}
    assert len(digests) == 2


@pytest.mark.parametrize("name", ["mlp", "digits", "mixing"])
def test_weights_are_the_keys(name: str) -> None:
    """A proof with one weight changed verifies under its own commitments only."""
    honest = case(name)
    weights = [w.copy() for w in honest.weights]
    weights[0].flat[0] += 1
    other = Prover(honest.claim.table, weights, honest.table.log_columns)
    rules = Rules(honest.table)
    place = {node: i for i, node in enumerate(honest.table.committed)}
    inputs = {n: honest.witness[place[n]] for n in rules.free}
    claim = other.prove(rules.solve(weights, inputs, honest.batch), honest.batch)
    assert judge(claim) is None
    assert judge(replace(claim, commitments=honest.claim.commitments)) is not None
