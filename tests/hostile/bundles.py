"""Bundles that lie: statements, keys and contexts that an honest proof does not belong to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import verifai
from tests.hostile.targets import CONTEXT, OTHER_CONTEXTS, key
from verifai.errors import MalformedError, VerificationError
from verifai.proof import Proof, Statement, VerifyingKey

#: What a stranger hands in: the bundle, the key that is trusted, the context demanded.
Bundle = tuple[Proof, VerifyingKey, Any]


def resealed(proof: Proof, trusted: VerifyingKey, **changes: Any) -> Proof:
    """The statement edited, and all its digests made again."""
    statement: Statement = replace(proof.statement, **changes)
    return Proof.of(replace(statement, verifying_key=trusted.digest), proof.argument)


def edited(role: str, change: int) -> Callable[[Proof, VerifyingKey], Proof]:
    """Another first value of an input or output."""

    def make(proof: Proof, trusted: VerifyingKey) -> Proof:
        (claim,) = getattr(proof.statement, role)
        values = (claim.integers[0] + change, *claim.integers[1:])
        return resealed(proof, trusted, **{role: (replace(claim, integers=values),)})

    return make


def scaled(proof: Proof, trusted: VerifyingKey) -> tuple[Proof, VerifyingKey]:
    """The output at another scale, in statement and key."""
    (claim,) = proof.statement.outputs
    spec = replace(claim.spec, scale=claim.spec.scale + 1)
    lying = replace(trusted, outputs=(spec,))
    return resealed(proof, lying, outputs=(replace(claim, spec=spec),)), lying


def bundles(circuit: str, stranger: str) -> dict[str, Bundle]:
    """Lies about a circuit's proof, by name; ``stranger`` is a circuit whose key is misused."""
    pk, vk, inputs = key(circuit)
    proof = verifai.prove(pk, inputs[0], context=CONTEXT)
    verifai.verify(proof, vk, context=CONTEXT)
    other = verifai.prove(pk, inputs[1], context=CONTEXT)
    foreign = key(stranger)[1]
    statement = proof.statement
    mixed = replace(vk, material=(vk.material[0], *foreign.material[1:]))
    found: dict[str, Bundle] = {
        "another input's proof": (Proof.of(statement, other.argument), vk, CONTEXT),
        "another input's output": (
            resealed(proof, vk, outputs=other.statement.outputs),
            vk,
            CONTEXT,
        ),
        "another input": (resealed(proof, vk, inputs=other.statement.inputs), vk, CONTEXT),
        "an input value + 1": (edited("inputs", 1)(proof, vk), vk, CONTEXT),
        "an output value + 1": (edited("outputs", 1)(proof, vk), vk, CONTEXT),
        "an output value - 1": (edited("outputs", -1)(proof, vk), vk, CONTEXT),
        "the key of another circuit": (proof, foreign, CONTEXT),
        "resealed for another circuit's key": (resealed(proof, foreign), foreign, CONTEXT),
        "the weights of another circuit": (resealed(proof, mixed), mixed, CONTEXT),
        "another scale in the statement": (scaled(proof, vk)[0], vk, CONTEXT),
        "another scale in the key": (proof, scaled(proof, vk)[1], CONTEXT),
        "another model's digest": (resealed(proof, vk, model="ab" * 32), vk, CONTEXT),
        "another circuit's digest": (resealed(proof, vk, circuit="ab" * 32), vk, CONTEXT),
        "an edited statement, old digests": (
            replace(proof, statement=replace(statement, model="ab" * 32)),
            vk,
            CONTEXT,
        ),
        "guarantees of a ceremony": (
            resealed(proof, vk, guarantees=replace(statement.guarantees, srs="ceremony")),
            vk,
            CONTEXT,
        ),
    }
    for name, context in OTHER_CONTEXTS.items():
        found[f"context demanded: {name}"] = (proof, vk, context)
        forged = resealed(proof, vk, context=context)
        found[f"context rebound: {name}"] = (forged, vk, context)
    return found


def accepted(bundle: Bundle) -> bool:
    """Whether ``verifai.verify`` returns; it may refuse with nothing but its own errors."""
    proof, trusted, context = bundle
    try:
        verifai.verify(proof, trusted, context=context)
    except (VerificationError, MalformedError):
        return False
    return True
