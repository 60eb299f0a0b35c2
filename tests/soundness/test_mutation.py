"""Every constraint of every circuit is needed: without it, a lie that it alone refuses is proved.

Constraints are removed one at a time; :mod:`tests.soundness.mutations` finds a witness that the
mutated table accepts. Both verifiers then accept its proof under the mutated key, and refuse it
under the whole one.
"""

from __future__ import annotations

import functools

import pytest

from tests.campaign import part
from tests.soundness import field_lies
from tests.soundness.lying import Rules
from tests.soundness.mutations import Lie, Removal, find_lie, hidden, redundant, removals
from tests.soundness.pipelines import MODELS, model_case
from tests.soundness.proofs import JUDGED, NAMES, Case, Claim, Prover, case, judge, rust
from verifai.circuit.satisfied import unsatisfied

#: Ranges that follow from other constraints: the lowering ranges what it publishes or copies.
REDUNDANT = {
    "inner_pool range23": "equal to what other constraints bound",
    "attention range0": "a copy of a multiple of it is ranged",
    "attention range16": "a copy of a multiple of it is ranged",
    "attention range24": "equal to what other constraints bound",
    "attention range26": "equal to what other constraints bound",
    "weights_only range5": "a copy of a multiple of it is ranged",
    "weights_only range14": "equal to what other constraints bound",
}


@functools.cache
def lies(name: str) -> tuple[dict[str, Lie], dict[str, str]]:
    """Lies by removed constraint, and the constraints that need none with the reason."""
    found, unneeded = {}, {}
    honest = case(name)
    rules = Rules(honest.table)
    for removal in removals(honest.table):
        if reason := redundant(rules, removal):
            unneeded[str(removal)] = reason
            continue
        lie = find_lie(honest, removal)
        assert lie is not None, f"{name}: nothing is proved without {removal}"
        found[str(removal)] = lie
    return found, unneeded


@pytest.mark.parametrize("name", NAMES)
def test_one_constraint_refuses_each_lie(name: str) -> None:
    """The whole table names the constraint that was removed, and nothing else."""
    honest, (found, unneeded) = case(name), lies(name)
    for lie in found.values():
        broken = unsatisfied(honest.table, honest.weights, lie.witness, honest.batch)
        assert [(v.kind, v.index) for v in broken] == [(lie.removal.kind, lie.removal.index)]
    expected = {k.split()[1]: why for k, why in REDUNDANT.items() if k.split()[0] == name}
    assert unneeded == expected
    false = sum(lie.false_output for lie in found.values())
    print(
        f"{name}: {len(found) + len(unneeded)} constraints removed, {len(found)} noticed, "
        f"{false} of the lies change a public output; redundant: {sorted(unneeded)}"
    )


@pytest.mark.parametrize(
    "name", [n for n in NAMES if any(k.startswith(n + " ") for k in REDUNDANT)]
)
def test_a_redundant_range_allows_no_lie(name: str) -> None:
    """The same search finds nothing without a range that follows from the other constraints."""
    honest = case(name)
    for entry in REDUNDANT:
        if entry.startswith(name + " "):
            assert find_lie(honest, Removal("range", int(entry.split("range")[1]))) is None, entry


def proved(honest: Case, lie: Lie) -> tuple[Claim, Claim]:
    """The lie proved under the mutated table, and under the whole table by a stubborn prover."""
    if lie.small:
        mutated = Prover(lie.mutated.to_bytes(), honest.weights, honest.table.log_columns)
        return (
            mutated.prove(lie.witness, honest.batch),
            honest.prover.prove(lie.witness, honest.batch, stubborn=True),
        )
    arguments = honest.weights, lie.witness, honest.batch
    return (
        field_lies.prove(lie.mutated, *arguments),
        field_lies.prove(honest.table, *arguments, prover=field_lies.Overflowing),
    )


@pytest.mark.parametrize("name", NAMES)
def test_small_lies_are_proved_only_without_the_constraint(name: str) -> None:
    honest, (found, _) = case(name), lies(name)
    small = [lie for lie in found.values() if lie.small]
    for number, lie in enumerate(small):
        accepted, refused = proved(honest, lie)
        assert rust(accepted) is None, lie.removal
        assert rust(refused) is not None, lie.removal
        if (
            number == 0 and name in JUDGED
        ):  # the Python verifier takes a second for each: all of them below
            assert judge(accepted) is None
            assert judge(refused) == "last"
    assert len(small) >= 5


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_lie_is_judged_alike(name: str) -> None:
    """All constraints, both verifiers; field elements that are no integers by the slow prover."""
    honest, (found, _) = case(name), lies(name)
    small = [lie for lie in found.values() if lie.small]
    for lie in [*(lie for lie in found.values() if not lie.small), *part(small, 3, name)]:
        accepted, refused = proved(honest, lie)
        assert judge(accepted) is None, lie.removal
        assert judge(refused) == "last", lie.removal


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_every_constraint_of_a_torch_model(name: str) -> None:
    """The same for circuits that the frontend made."""
    honest = model_case(name)
    rules, noticed, unneeded = Rules(honest.table), 0, []
    twice = part(map(str, removals(honest.table)), 6, name)
    for removal in removals(honest.table):
        lie = find_lie(honest, removal)
        if redundant(rules, removal):
            assert lie is None, removal
            unneeded.append(str(removal))
            continue
        assert lie is not None, f"{name}: nothing is proved without {removal}"
        accepted, refused = proved(honest, lie)
        if str(removal) in twice or not lie.small:
            assert judge(accepted) is None, removal
            assert judge(refused) == "last", removal
        assert rust(accepted) is None, removal
        assert rust(refused) is not None, removal
        noticed += 1
    print(f"torch {name}: {noticed} constraints removed and noticed, redundant: {unneeded}")
    assert noticed >= 5


@pytest.mark.parametrize("name", NAMES)
def test_every_public_entry_is_needed(name: str) -> None:
    """Another value in the statement is refused; a key that does not publish it does not care."""
    honest = case(name)
    removed = 0
    for position, node in enumerate(honest.table.public):
        start = sum(words_of(honest, other) for other in honest.table.public[:position])
        words = bytearray(honest.claim.words)
        words[32 * start + 31] ^= 1
        assert rust(honest.claim.but(words=bytes(words))) is not None, node
        table = hidden(honest.table, node)
        mutated = Prover(table.to_bytes(), honest.weights, table.log_columns)
        claim = mutated.prove(honest.witness, honest.batch)
        count = words_of(honest, node)
        assert claim.words == bytes(
            honest.claim.words[: 32 * start] + honest.claim.words[32 * (start + count) :]
        )
        assert rust(claim) is None, node
        removed += 1
    print(f"{name}: {removed} public entries removed, {removed} noticed")
    assert removed >= 2


def words_of(honest: Case, node: int) -> int:
    """Words of a public node."""
    spec = honest.table.nodes[node]
    dims = (honest.batch, *spec.shape) if spec.batched else spec.shape
    rows = 1
    for length in dims[:-1]:
        rows *= length
    return rows * -(-(dims[-1] if dims else 1) // 8)
