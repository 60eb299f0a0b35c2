"""What a caller puts into an object beside what is checked never comes back as verified.

Each row changes an honest proof, key or registration in memory; the objects' own files cannot hold
the change. Either verification refuses it, or the statement that comes back is the honest one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pytest

import verifai
from tests.graph.single import model, node
from tests.needs import skip_without
from verifai.errors import MalformedError, UsageError, VerificationError
from verifai.proof import Guarantees, Opening, Proof, Registration, Statement, TensorClaim
from verifai.proof.tensor import TensorSpec

skip_without("verifai._native", "torch")

D = "ab" * 32


@dataclass(frozen=True)
class Given:
    """What a caller hands to verify."""

    proof: Proof
    key: verifai.VerifyingKey
    registration: Registration | None = None


@pytest.fixture(scope="module")
def honest() -> Given:
    nodes = [node("MatMul", ["x", "w"], ["y"]), node("Relu", ["x"], ["z"])]
    weights = {"w": np.array([[0.5], [-0.75]], np.float32)}
    made = model(nodes, {"x": (1, 2)}, weights, outputs=("y", "z"))
    batch = np.random.default_rng(0).uniform(-1, 1, (8, 1, 2)).astype(np.float32)
    circuit = verifai.compile(
        made, batch, options=verifai.NativeOptions(zero_knowledge=False, log_columns=7)
    )
    pk, vk = verifai.setup(circuit)
    proof = verifai.prove(pk, batch[0], context={"job": 7, "payee": "anna"})
    return Given(proof, vk, verifai.prove_weights(pk))


def check(given: Given) -> Statement:
    return verifai.verify(
        given.proof, given.key, context={"job": 7, "payee": "anna"}, registration=given.registration
    )


def forced(thing: Any, **values: Any) -> Any:
    """A copy with attributes that no constructor checked."""
    copy = replace(thing)
    for name, value in values.items():
        object.__setattr__(copy, name, value)
    return copy


def as_subclass(thing: Any, **members: Any) -> Any:
    """A copy as an instance of a subclass with other members."""
    kind = type("Subclass", (type(thing),), members)
    copy = object.__new__(kind)
    for item in fields(thing):
        object.__setattr__(copy, item.name, getattr(thing, item.name))
    return copy


class Liar(str):
    """Equal to everything."""

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False


class Number(int):
    """An integer that says something else of itself."""

    __hash__ = int.__hash__

    def __str__(self) -> str:
        return "1000"

    def __truediv__(self, other: object) -> float:  # type: ignore[override]
        return 1000.0


class Turning(Mapping[str, "str | int"]):
    """A context that is another one from the second reading on."""

    def __init__(self) -> None:
        self.readings = 0

    def __iter__(self) -> Iterator[str]:
        self.readings += 1
        return iter(("job", "payee"))

    def __len__(self) -> int:
        return 2

    def __getitem__(self, key: str) -> str | int:
        return {"job": 7 if self.readings < 2 else 8, "payee": "anna"}[key]


def stated(given: Given, **values: Any) -> Given:
    """The statement changed by force, and all digests as they were."""
    statement = forced(given.proof.statement, **values)
    return replace(given, proof=forced(given.proof, statement=statement))


def resealed(given: Given, **values: Any) -> Given:
    statement = forced(given.proof.statement, **values)
    return replace(given, proof=Proof.of(statement, given.proof.argument))


def with_output(given: Given, change: Callable[[TensorClaim], TensorClaim]) -> Given:
    first, *rest = given.proof.statement.outputs
    return stated(given, outputs=(change(first), *rest))


def poisoned(key: verifai.VerifyingKey, **cached: Any) -> verifai.VerifyingKey:
    copy = replace(key)
    vars(copy).update(cached)
    return copy


def numbers(claim: TensorClaim, kind: Callable[[int], Any]) -> TensorClaim:
    return forced(claim, integers=tuple(kind(q) for q in claim.integers or ()))


WAYS: dict[str, Callable[[Given], Given]] = {
    "weights_ranged": lambda g: stated(g, weights_ranged=True),
    "weights_ranged, sealed again": lambda g: resealed(g, weights_ranged=True),
    "an attribute of no name": lambda g: stated(g, audited_by="somebody"),
    "openings": lambda g: replace(g, proof=replace(g.proof, openings={"y": None})),  # type: ignore[dict-item]
    "a model that equals every other": lambda g: resealed(g, model=Liar(D)),
    "a circuit that equals every other": lambda g: resealed(g, circuit=Liar(D)),
    "a key's name that equals every other": lambda g: resealed(g, verifying_key=Liar(D)),
    "weights that equal every other": lambda g: resealed(g, weights=Liar("public")),
    "a context that turns": lambda g: resealed(g, context=Turning()),
    "a context that is no dict": lambda g: stated(g, context=Turning()),
    "another job": lambda g: resealed(g, context={"job": 8, "payee": Liar("anna")}),
    "numpy's integers": lambda g: with_output(g, lambda c: numbers(c, np.int64)),
    "integers of a subclass": lambda g: with_output(g, lambda c: numbers(c, Number)),
    "truths for integers": lambda g: with_output(g, lambda c: numbers(c, bool)),
    "values of a subclass": lambda g: with_output(
        g, lambda c: as_subclass(c, values=np.full(1, 1000.0))
    ),
    "a shape of a subclass": lambda g: with_output(
        g, lambda c: forced(c, spec=as_subclass(c.spec, size=1000))
    ),
    "a scale of a subclass": lambda g: with_output(
        g, lambda c: forced(c, spec=forced(c.spec, scale=Number(c.spec.scale)))
    ),
    "a name that equals every other": lambda g: with_output(
        g, lambda c: forced(c, spec=forced(c.spec, name=Liar("certificate")))
    ),
    "guarantees of a subclass": lambda g: stated(
        g, guarantees=as_subclass(g.proof.statement.guarantees, forgers="nobody")
    ),
    "a ceremony that equals every other": lambda g: resealed(
        g, guarantees=forced(g.proof.statement.guarantees, srs=Liar("ceremony"))
    ),
    "a statement of a subclass": lambda g: replace(
        g,
        proof=forced(
            g.proof,
            statement=as_subclass(
                g.proof.statement, weights_ranged=True, sentences=lambda self: ["All is well."]
            ),
        ),
    ),
    "a proof of a subclass": lambda g: replace(
        g,
        proof=as_subclass(
            Proof.of(forced(g.proof.statement, model=D), g.proof.argument),
            recomputed_digests=lambda self: self.digests,
        ),
    ),
    "an argument that can change": lambda g: replace(
        g, proof=forced(g.proof, argument=bytearray(g.proof.argument))
    ),
    "a key's digest": lambda g: replace(
        resealed(g, verifying_key=D), key=poisoned(g.key, digest=D)
    ),
    "a key's digest alone": lambda g: replace(g, key=poisoned(g.key, digest=D)),
    "a key's digests alone": lambda g: replace(
        g, key=poisoned(g.key, digest=D, header_digest=bytes(32))
    ),
    "a key of a subclass": lambda g: replace(
        resealed(g, model=D),
        key=as_subclass(
            g.key,
            digest=g.key.digest,
            statement=lambda self, *_: forced(g.proof.statement, model=D),
        ),
    ),
    "a key whose model equals every other": lambda g: replace(
        resealed(g, model=D), key=forced(g.key, model=Liar(g.key.model))
    ),
    "a key's material as a list": lambda g: replace(
        g, key=forced(g.key, material=[bytearray(part) for part in g.key.material])
    ),
    "a registration of another key": lambda g: replace(
        g, registration=Registration(Liar(D), g.registration.argument if g.registration else b"")
    ),
}


def plain(value: Any) -> None:
    """Nothing but the library's own types, and Python's, exactly."""
    if isinstance(value, (Statement, TensorClaim, TensorSpec, Guarantees)):
        assert type(value) in (Statement, TensorClaim, TensorSpec, Guarantees)
        assert set(vars(value)) == {item.name for item in fields(value)}
        for item in fields(value):
            plain(getattr(value, item.name))
    elif isinstance(value, (tuple, dict)):
        assert type(value) in (tuple, dict)
        for item in value.items() if isinstance(value, dict) else value:
            plain(item)
    else:
        assert type(value) in (str, int, bool, type(None))


#: What is only beside the claim is left behind; all other ways are lies, and refused.
LEFT_BEHIND = {
    "weights_ranged",
    "weights_ranged, sealed again",
    "an attribute of no name",
    "openings",
    "a context that is no dict",
    "integers of a subclass",
    "values of a subclass",
    "a shape of a subclass",
    "a scale of a subclass",
    "guarantees of a subclass",
    "a statement of a subclass",
    "an argument that can change",
    "a key's digest alone",
    "a key's digests alone",
    "a key's material as a list",
}


@pytest.mark.parametrize("name", WAYS)
def test_what_comes_back_is_what_was_checked(honest: Given, name: str) -> None:
    given = WAYS[name](honest if "registration" in name else replace(honest, registration=None))
    if name not in LEFT_BEHIND:
        with pytest.raises((VerificationError, MalformedError)):
            check(given)
        return
    found, own = check(given), honest.proof.statement
    plain(found)
    assert found.to_json() == own.to_json()
    assert found.weights_ranged is False
    assert found.sentences() == own.sentences()
    for mine, theirs in zip(found.outputs, own.outputs, strict=True):
        assert np.array_equal(mine.values, theirs.values)


def test_a_registration_that_was_checked_is_said(honest: Given) -> None:
    found = check(stated(honest, weights_ranged=False))
    plain(found)
    assert found.weights_ranged is True
    assert found == honest.proof.statement


def test_what_was_given_may_change_afterwards(honest: Given) -> None:
    context = dict(honest.proof.statement.context or {})
    claim = replace(honest.proof.statement.outputs[0])
    outputs = (claim, *honest.proof.statement.outputs[1:])
    found = check(resealed(honest, context=context, outputs=outputs))
    context["job"] = 8
    object.__setattr__(claim, "integers", (0,))
    assert found.context == {"job": 7, "payee": "anna"}
    assert found.outputs[0].integers != (0,)


@pytest.fixture(scope="module")
def committed() -> tuple[TensorClaim, TensorClaim, Opening]:
    """Two committed outputs of one shape and scale, with the opening of the first."""
    made = model([node("Relu", ["x"])], {"x": (1, 4)})
    batch = np.random.default_rng(0).uniform(-1, 1, (8, 1, 4)).astype(np.float32)
    shown = verifai.Visibility(output="committed")
    circuit = verifai.compile(
        made, batch, visibility=shown, options=verifai.NativeOptions(log_columns=7)
    )
    pk, vk = verifai.setup(circuit)
    first, second = verifai.prove(pk, batch[0]), verifai.prove(pk, batch[1])
    claims = [verifai.verify(proof, vk).output for proof in (first, second)]
    return claims[0], claims[1], first.openings["y"]


def test_a_link_is_between_commitments_as_they_are(committed: Any) -> None:
    one, other, _ = committed
    verifai.verify_link(one, replace(one))
    for lie in (
        forced(other, commitment=Liar(other.commitment)),
        forced(other, spec=forced(other.spec, name=Liar(one.name))),
    ):
        with pytest.raises(VerificationError):
            verifai.verify_link(one, lie)
        with pytest.raises(VerificationError):
            verifai.verify_link(lie, one)


def test_an_opening_gives_the_values_that_it_commits_to(committed: Any) -> None:
    one, other, opening = committed
    values = verifai.verify_opening(opening, one)
    lies = [
        as_subclass(opening, values=np.full((1, 4), 1000.0)),
        forced(opening, integers=tuple(Number(q) for q in opening.integers)),
        forced(opening, spec=forced(opening.spec, scale=Number(opening.spec.scale))),
    ]
    for lie in lies:
        try:
            found = verifai.verify_opening(lie, one)
        except (VerificationError, MalformedError):
            continue
        assert np.array_equal(found, values)
    with pytest.raises((VerificationError, UsageError)):
        verifai.verify_opening(opening, forced(other, commitment=Liar(other.commitment)))
