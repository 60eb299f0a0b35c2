"""Statements, keys and bundles: strict readers, one form, every field bound."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import numpy as np
import pytest

from verifai.errors import MalformedError, UsageError
from verifai.proof import (
    Guarantees,
    KeyStore,
    Proof,
    Statement,
    TensorClaim,
    TensorSpec,
    VerifyingKey,
    bundle_schema,
)
from verifai.proof.codec import canonical_json
from verifai.proof.reference_string import CEREMONIES, g2_bytes, srs_id

D = "0123456789abcdef" * 4


def key(**changes: Any) -> VerifyingKey:
    fields: dict[str, Any] = {
        "model": D,
        "circuit": D,
        "weights": "private",
        "inputs": (TensorSpec("x", (2, 2), 7, "public"), TensorSpec("h", (3,), 0, "committed")),
        "outputs": (TensorSpec("y", (), 4, "public"), TensorSpec("z", (2,), 4, "private")),
        "guarantees": Guarantees("ezkl", "23.0.5", True, "development", D),
        "proof_bytes": 5,
        "material": (b"a", b"b", b"c"),
    }
    return VerifyingKey(**{**fields, **changes})


def statement(context: dict[str, str | int] | None = None) -> Statement:
    vk = key()
    return vk.statement(
        [
            TensorClaim(vk.inputs[0], integers=(1, -2, 3, 0)),
            TensorClaim(vk.inputs[1], commitment=D),
        ],
        [TensorClaim(vk.outputs[0], integers=(-8,)), TensorClaim(vk.outputs[1])],
        context,
    )


def test_round_trips() -> None:
    for context in (None, {"chain": "eip155:1", "nonce": 7}):
        claim = statement(context)
        assert Statement.from_json(json.loads(canonical_json(claim.to_json()))) == claim
        proof = Proof.of(claim, b"12345")
        assert Proof.from_bytes(proof.to_bytes()) == proof
    assert VerifyingKey.from_bytes(key().to_bytes()) == key()


def test_header_is_valid_to_the_published_schema() -> None:
    schema = json.loads(bundle_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    header = Proof.of(statement({"job": 1}), b"12345")._header()
    jsonschema.validate(json.loads(canonical_json(header)), schema)
    header["statement"]["extra"] = 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(header, schema)


@pytest.mark.parametrize(("backend", "who"), [("native", "anyone"), ("ezkl", "whoever made it")])
def test_who_could_forge_is_said(backend: str, who: str) -> None:
    guarantees = replace(key().guarantees, backend=backend, srs="development")
    said = " ".join(replace(statement(), guarantees=guarantees).sentences())
    assert f"{who} could forge this proof" in said


@pytest.mark.parametrize("name", CEREMONIES)
def test_a_ceremony_is_named_by_the_strings_digest(name: str) -> None:
    """In words, in JSON and in ``repr``; another name beside the same digest is refused."""
    string = srs_id(g2_bytes(*CEREMONIES[name].tau_g2))
    guarantees = replace(key().guarantees, srs="ceremony", srs_id=string)
    claim = replace(statement(), guarantees=guarantees)
    assert f"ceremony {name} ({CEREMONIES[name].title})" in " ".join(claim.sentences())
    assert f"srs=ceremony {name}" in repr(claim)
    data = claim.to_json()
    assert data["guarantees"]["ceremony"] == name
    assert Statement.from_json(data) == claim
    jsonschema.validate(Proof.of(claim, b"12345")._header(), json.loads(bundle_schema()))
    for other in (None, "ppot" if name != "ppot" else "aztec-ignition", "mine"):
        data["guarantees"]["ceremony"] = other
        with pytest.raises(MalformedError, match="ceremony"):
            Statement.from_json(data)
    unknown = replace(statement(), guarantees=replace(guarantees, srs="custom", srs_id=D))
    assert unknown.to_json()["guarantees"]["ceremony"] is None
    assert "unverified origin" in " ".join(unknown.sentences())


def test_values_are_floats_in_the_models_shape() -> None:
    claim = statement().inputs[0]
    assert np.array_equal(claim.values, np.array([[1, -2], [3, 0]]) / 128)
    with pytest.raises(UsageError, match="committed"):
        _ = statement().inputs[1].values


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in leaves(item, (*path, key))]
    if isinstance(value, list) and value:
        return [leaf for i, item in enumerate(value) for leaf in leaves(item, (*path, i))]
    return [path]


def mutated(value: Any, path: tuple[Any, ...], change: Any) -> Any:
    copy = json.loads(json.dumps(value))
    target = copy
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = change
    return copy


LEAVES = leaves(statement({"job": 1}).to_json())


@pytest.mark.parametrize("path", LEAVES, ids=lambda path: ".".join(map(str, path)))
@pytest.mark.parametrize("change", [None, True, -1, 1 << 300, "", "x", [], {}, [[]], 0.5])
def test_every_field_is_read_strictly(path: tuple[Any, ...], change: Any) -> None:
    """A changed field is refused, or gives a statement with another digest."""
    good = statement({"job": 1})
    try:
        read = Statement.from_json(mutated(good.to_json(), path, change))
        digest = read.digest
    except MalformedError:
        return
    assert (digest == good.digest) == (read.to_json() == good.to_json())
    assert read != good or read.to_json() == good.to_json()


@pytest.mark.parametrize("name", list(statement().to_json()))
def test_missing_and_unknown_fields_are_refused(name: str) -> None:
    fields = statement().to_json()
    del fields[name]
    with pytest.raises(MalformedError):
        Statement.from_json(fields)
    with pytest.raises(MalformedError):
        Statement.from_json({**statement().to_json(), "also": 1})


@pytest.mark.parametrize(
    "claim",
    [
        lambda: TensorClaim(TensorSpec("x", (2,), 0, "public")),
        lambda: TensorClaim(TensorSpec("x", (2,), 0, "public"), integers=(1,)),
        lambda: TensorClaim(TensorSpec("x", (2,), 0, "private"), integers=(1, 2)),
        lambda: TensorClaim(TensorSpec("x", (2,), 0, "committed"), integers=(1, 2)),
        lambda: TensorClaim(TensorSpec("x", (2,), 0, "public"), integers=(1, 1 << 127)),
        lambda: TensorClaim(TensorSpec("x", (1,), 0, "public"), integers=(True,)),
        lambda: TensorClaim(TensorSpec("x", (1,), 0, "committed"), commitment="AB" * 32),
    ],
)
def test_claims_fit_their_specs(claim: Any) -> None:
    with pytest.raises(MalformedError):
        claim()


def test_every_key_field_is_in_the_digest() -> None:
    base = key()
    changes = {
        "model": "f" * 64,
        "circuit": "f" * 64,
        "weights": "public",
        "inputs": base.inputs[:1],
        "outputs": base.outputs[:1],
        "guarantees": replace(base.guarantees, zero_knowledge=False),
        "proof_bytes": 6,
        "material": (b"a", b"b", b"d"),
    }
    digests = {key(**{name: value}).digest for name, value in changes.items()}
    assert len(digests | {base.digest}) == len(changes) + 1
    assert key(material=(b"ab", b"", b"c")).digest != key(material=(b"a", b"b", b"c")).digest


def test_key_store_recomputes_digests(tmp_path: Any) -> None:
    store = KeyStore(tmp_path)
    path = store.add(key())
    assert store.get(key().digest) == key()
    assert list(store) == [key().digest]
    assert store.get("f" * 64) is None
    path.rename(store.path("f" * 64))
    with pytest.raises(MalformedError, match="not the one it is named for"):
        store.get("f" * 64)
    with pytest.raises(MalformedError):
        store.get("../../etc/passwd")
