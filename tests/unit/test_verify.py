"""The numbered checks: each has an attack that only it refuses."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import verifai
from tests.campaign import part
from tests.conftest import Pipeline
from tests.hostile.strings import halo2
from verifai.circuit import SRS
from verifai.errors import MalformedError, VerifaiError, VerificationError
from verifai.proof import Guarantees, Proof, VerifyingKey


def test_an_honest_proof_gives_its_statement(tiny: Pipeline) -> None:
    statement = verifai.verify(tiny.proof, tiny.vk)
    assert statement == tiny.proof.statement
    assert statement.model == tiny.model.digest
    expected = tiny.model.run(tiny.inputs)[0]
    assert statement.output.values.shape == expected.shape
    assert np.allclose(statement.output.values, expected, atol=0.05)
    assert np.allclose(statement.input.values, tiny.inputs, atol=2**-7)


def test_a_copy_through_bytes_verifies(tiny: Pipeline) -> None:
    proof = Proof.from_bytes(tiny.proof.to_bytes())
    key = VerifyingKey.from_bytes(tiny.vk.to_bytes())
    assert verifai.verify(proof, key).digest == tiny.proof.statement.digest


def sealed(proof: Proof, **changes: Any) -> Proof:
    """The proof with an edited statement and fresh digests: what a careful forger would send."""
    return Proof.of(replace(proof.statement, **changes), proof.argument)


def edited_output(proof: Proof) -> Any:
    claim = proof.statement.output
    return (replace(claim, integers=(claim.integers[0] + 1, *claim.integers[1:])),)


def edited_input(proof: Proof) -> Any:
    claim = proof.statement.input
    return (replace(claim, integers=(claim.integers[0] + 1, *claim.integers[1:])),)


def rescaled(proof: Proof) -> Any:
    claim = proof.statement.output
    return (replace(claim, spec=replace(claim.spec, scale=claim.spec.scale + 1)),)


def guarantees(proof: Proof, **changes: Any) -> Guarantees:
    return replace(proof.statement.guarantees, **changes)


D = "ab" * 32
ATTACKS: dict[str, tuple[int, Callable[[Proof, Proof], Proof]]] = {
    "edited statement": (1, lambda p, o: replace(p, statement=replace(p.statement, model=D))),
    "swapped proof": (1, lambda p, o: replace(p, argument=o.argument)),
    "edited and resealed model": (3, lambda p, o: sealed(p, model=D)),
    "circuit": (3, lambda p, o: sealed(p, circuit=D)),
    "key": (2, lambda p, o: sealed(p, verifying_key=D)),
    "weights": (3, lambda p, o: sealed(p, weights="public")),
    "scale": (3, lambda p, o: sealed(p, outputs=rescaled(p))),
    "backend": (4, lambda p, o: sealed(p, guarantees=guarantees(p, backend="native"))),
    "version": (4, lambda p, o: sealed(p, guarantees=guarantees(p, version="24"))),
    "zero knowledge": (4, lambda p, o: sealed(p, guarantees=guarantees(p, zero_knowledge=False))),
    "srs kind": (4, lambda p, o: sealed(p, guarantees=guarantees(p, srs="ceremony"))),
    "srs id": (4, lambda p, o: sealed(p, guarantees=guarantees(p, srs_id=D))),
    "context": (5, lambda p, o: sealed(p, context={"job": 1})),
    "trailing byte": (6, lambda p, o: Proof.of(p.statement, p.argument + b"\0")),
    "trailing word": (6, lambda p, o: Proof.of(p.statement, p.argument + bytes(32))),
    "truncated": (6, lambda p, o: Proof.of(p.statement, p.argument[:-1])),
    "empty": (6, lambda p, o: Proof.of(p.statement, b"")),
    "output": (7, lambda p, o: sealed(p, outputs=edited_output(p))),
    "input": (7, lambda p, o: sealed(p, inputs=edited_input(p))),
    "proof of another circuit": (7, lambda p, o: Proof.of(p.statement, o.argument)),
    "zero proof": (7, lambda p, o: Proof.of(p.statement, bytes(len(p.argument)))),
    "spliced proof": (
        7,
        lambda p, o: Proof.of(p.statement, p.argument[:1536] + o.argument[1536:]),
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_fail_at_their_check(tiny: Pipeline, other: Pipeline, name: str) -> None:
    check, forge = ATTACKS[name]
    forged = forge(tiny.proof, other.proof)
    with pytest.raises(VerificationError) as caught:
        verifai.verify(forged, tiny.vk)
    assert caught.value.check == check
    assert caught.value.exit_code == 1


def test_the_key_of_another_circuit_is_refused(tiny: Pipeline, other: Pipeline) -> None:
    with pytest.raises(VerificationError, match="trusted key") as caught:
        verifai.verify(tiny.proof, other.vk)
    assert caught.value.check == 2


def forged_key(key: VerifyingKey, **changes: Any) -> VerifyingKey:
    return replace(key, **changes)


def under_tau_2(key: VerifyingKey) -> VerifyingKey:
    """An ezkl key that holds the string of tau = 2, and names it truthfully."""
    string = SRS("custom", 1, halo2(1, tau=2))
    guarantees = replace(key.guarantees, srs="custom", srs_id=string.id)
    return forged_key(
        key, guarantees=guarantees, material=(*key.material[:2], string.verifier_part())
    )


KEYS: dict[str, tuple[int, Callable[[VerifyingKey], VerifyingKey]]] = {
    "a ceremony it never saw": (
        4,
        lambda k: forged_key(k, guarantees=replace(k.guarantees, srs="ceremony")),
    ),
    "another reference string": (
        4,
        lambda k: forged_key(k, guarantees=replace(k.guarantees, srs_id=D)),
    ),
    "an output scale": (
        3,
        lambda k: forged_key(k, outputs=(replace(k.outputs[0], scale=k.outputs[0].scale + 1),)),
    ),
    "an input scale": (
        3,
        lambda k: forged_key(k, inputs=(replace(k.inputs[0], scale=k.inputs[0].scale - 1),)),
    ),
    "settings that are none": (3, lambda k: forged_key(k, material=(b"{}", *k.material[1:]))),
    "no reference string": (3, lambda k: forged_key(k, material=(*k.material[:2], bytes(516)))),
    "a reference string with tau = 2": (4, lambda k: under_tau_2(k)),
    "free weights": (
        3,
        lambda k: forged_key(
            k,
            material=(bytes(k.material[0]).replace(b'"Fixed"', b'"Private"'), *k.material[1:]),
        ),
    ),
}


@pytest.mark.parametrize("name", KEYS)
def test_a_key_that_contradicts_its_material_is_refused(tiny: Pipeline, name: str) -> None:
    """The forger makes the statement anew under the forged key, so all cheap checks pass."""
    check, forge = KEYS[name]
    key = forge(tiny.vk)
    claims = [
        [replace(claim, spec=spec) for claim, spec in zip(claimed, specs, strict=True)]
        for claimed, specs in (
            (tiny.proof.statement.inputs, key.inputs),
            (tiny.proof.statement.outputs, key.outputs),
        )
    ]
    proof = Proof.of(key.statement(*claims), tiny.proof.argument)
    with pytest.raises(VerificationError) as caught:
        verifai.verify(proof, key)
    assert caught.value.check == check


def test_pinned_ceremonies_are_points_of_the_group() -> None:
    from py_ecc import optimized_bn128 as bn

    from verifai.proof.reference_string import CEREMONIES

    for x0, x1, y0, y1 in (ceremony.tau_g2 for ceremony in CEREMONIES.values()):
        point = (bn.FQ2([x0, x1]), bn.FQ2([y0, y1]), bn.FQ2.one())
        assert bn.is_on_curve(point, bn.b2)
        assert bn.is_inf(bn.multiply(point, bn.curve_order))


def test_a_demanded_context_must_be_there(tiny: Pipeline) -> None:
    with pytest.raises(VerificationError) as caught:
        verifai.verify(tiny.proof, tiny.vk, context={"job": 1})
    assert caught.value.check == 5


def test_contexts_are_shown_as_json(tiny: Pipeline) -> None:
    with pytest.raises(VerificationError, match=r'demanded is \{"a":1,"b":"x"\}'):
        verifai.verify(tiny.proof, tiny.vk, context={"b": "x", "a": 1})


def test_a_forged_context_is_refused_even_when_demanded(tiny: Pipeline) -> None:
    """ezkl proofs bind no context, so a claimed one fails although the demand is met."""
    with pytest.raises(VerificationError) as caught:
        verifai.verify(sealed(tiny.proof, context={"job": 1}), tiny.vk, context={"job": 1})
    assert caught.value.check == 5


def test_every_flipped_byte_of_a_bundle_is_refused(tiny: Pipeline) -> None:
    """All bytes of the bundle, one random bit each."""
    good = tiny.proof.to_bytes()
    generator = random.Random(0)
    kinds = {1: 0, 3: 0}
    for position in range(len(good)):
        flipped = bytearray(good)
        flipped[position] ^= 1 << generator.randrange(8)
        try:
            verifai.verify(Proof.from_bytes(bytes(flipped)), tiny.vk)
        except (VerificationError, MalformedError) as error:
            kinds[error.exit_code] += 1
        else:
            pytest.fail(f"byte {position} of {len(good)} may be changed")
    assert sum(kinds.values()) == len(good)
    assert kinds[1] > len(tiny.proof.argument)


@pytest.mark.slow
def test_resealed_flips_of_the_proof_reach_the_proof_system_and_fail(tiny: Pipeline) -> None:
    """One random bit in some of every 64 bytes, with fresh digests: ezkl itself must refuse."""
    generator = random.Random(1)
    for position in part(range(0, len(tiny.proof.argument), 64), 16):
        flipped = bytearray(tiny.proof.argument)
        flipped[position + generator.randrange(32)] ^= 1 << generator.randrange(8)
        with pytest.raises(VerificationError) as caught:
            verifai.verify(Proof.of(tiny.proof.statement, bytes(flipped)), tiny.vk)
        assert caught.value.check == 7


def test_every_flipped_byte_of_a_key_is_refused(tiny: Pipeline) -> None:
    """A key with one changed byte is malformed, or another key than the statement names."""
    good = tiny.vk.to_bytes()
    generator = random.Random(0)
    for position in range(len(good)):
        flipped = bytearray(good)
        flipped[position] ^= 1 << generator.randrange(8)
        with pytest.raises((VerificationError, MalformedError)):
            verifai.verify(tiny.proof, VerifyingKey.from_bytes(bytes(flipped)))


@pytest.mark.parametrize("length", [0, 1, 7, 8, 17, 18, 100, -33, -1])
def test_truncated_bundles_are_malformed(tiny: Pipeline, length: int) -> None:
    with pytest.raises(MalformedError):
        Proof.from_bytes(tiny.proof.to_bytes()[:length])


def test_results_list_every_check(tiny: Pipeline, other: Pipeline) -> None:
    from verifai.verifier import CHECKS, results

    assert [result.passed for result in results(None)] == [True] * len(CHECKS)
    with pytest.raises(VerifaiError) as caught:
        verifai.verify(sealed(tiny.proof, model=D), tiny.vk)
    passed = [result.passed for result in results(caught.value)]  # type: ignore[arg-type]
    assert passed == [True, True, False, None, None, None, None]
