"""Well-formed containers that hold nonsense: keys' material, circuits' graphs and parameters."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import verifai
from tests.hostile.route import bounded, command, listing, refusal
from tests.hostile.strings import outside_subgroup
from verifai.errors import MalformedError, VerificationError
from verifai.graph import IntegerGraph
from verifai.proof import Proof, VerifyingKey, codec

#: Changes of one value anywhere in a JSON document.
VALUES: tuple[Any, ...] = (
    -1, 0, 1, 2, 13, 1 << 16, 1 << 31, (1 << 62) - 1, 1 << 63, 1 << 70, -(1 << 70),
    "", "x", None, True, [], {}, [0] * 13, [1 << 40] * 3,
)  # fmt: skip


def changed(document: Any) -> Iterator[tuple[str, Any]]:
    """The document with each of its values, one after another, replaced by each of VALUES."""

    def places(value: Any, way: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        if way:
            yield way
        if isinstance(value, dict):
            for name, item in value.items():
                yield from places(item, (*way, name))
        elif isinstance(value, list):
            # what is in a long list is alike
            for at in range(len(value)) if len(value) < 40 else (0, len(value) - 1):
                yield from places(value[at], (*way, at))

    text = json.dumps(document)
    for way in places(document, ()):
        for value in VALUES:
            copy = json.loads(text)
            target = copy
            for name in way[:-1]:
                target = target[name]
            target[way[-1]] = value
            yield f"{way} = {value!r:.30}", copy


def resealed(key: VerifyingKey, proof: Proof) -> Proof:
    """A bundle that names ``key``: what somebody who makes up both hands in."""
    said = proof.statement
    return Proof.of(key.statement(said.inputs, said.outputs, said.context), proof.argument)


MATERIAL: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "no table": lambda m: [b"", *m[1:]],
    "a table that is text": lambda m: [b'"table"', *m[1:]],
    "a table that is a list": lambda m: [b"[]", *m[1:]],
    "a table that is no JSON": lambda m: [b"\0" * 100, *m[1:]],
    "a deep table": lambda m: [b"[" * 1_000_000, *m[1:]],
    "a table beyond its limit": lambda m: [b" " * ((8 << 20) + 1), *m[1:]],
    "a table without nodes": lambda m: [
        codec.canonical_json({**json.loads(m[0]), "nodes": []}),
        *m[1:],
    ],
    "a table in another order": lambda m: [json.dumps(json.loads(m[0])).encode(), *m[1:]],
    "no commitments": lambda m: [m[0], b"", m[2]],
    "half a commitment": lambda m: [m[0], m[1][:-32], m[2]],
    "a commitment too many": lambda m: [m[0], m[1] + bytes(64), m[2]],
    "a commitment off the curve": lambda m: [m[0], b"\0" * 63 + b"\1" + m[1][64:], m[2]],
    "a coordinate beyond q": lambda m: [m[0], b"\xff" * 32 + m[1][32:], m[2]],
    "no tau": lambda m: [m[0], m[1], b""],
    "tau at infinity": lambda m: [m[0], m[1], bytes(128)],
    "tau off the curve": lambda m: [m[0], m[1], b"\1" * 128],
    "tau outside the subgroup": lambda m: [m[0], m[1], evm(outside_subgroup())],
    "a section too long": lambda m: [m[0], m[1], m[2] + b"\0"],
    "sections swapped": lambda m: [m[1], m[0], m[2]],
}


def evm(point: bytes) -> bytes:
    """A point of G2 as files have it, in the EVM's form."""
    q = 21888242871839275222246405745257275088696311157297823662689037894645226208583
    inverse = pow(1 << 256, -1, q)
    words = [int.from_bytes(point[i : i + 32], "little") * inverse % q for i in range(0, 128, 32)]
    return b"".join(words[i].to_bytes(32, "big") for i in (1, 0, 3, 2))


@pytest.mark.parametrize("name", MATERIAL)
@pytest.mark.parametrize("backend", ["native", "ezkl"])
def test_keys_of_nonsense(name: str, backend: str, folder: Path) -> None:
    key, proof = VerifyingKey.load(folder / "key.vfk"), Proof.load(folder / "proof.vfb")
    material = tuple(MATERIAL[name]([bytes(section) for section in key.material]))
    guarantees = replace(key.guarantees, backend=backend)
    if backend == "ezkl":
        ezkl = pytest.importorskip("ezkl")
        guarantees = replace(guarantees, version=ezkl.__version__)
    forged = replace(key, material=material, guarantees=guarantees)
    bundle = resealed(forged, proof)
    error = refusal(lambda: verifai.verify(bundle, forged))
    assert isinstance(error, (MalformedError, VerificationError))
    forged.save(folder / "key.vfk")
    bundle.save(folder / "proof.vfb")
    before = listing(folder)
    code, value = command("verify proof.vfb --key key.vfk", folder)
    assert (code, value["ok"]) == (error.exit_code, False)
    assert listing(folder) == before


@pytest.mark.slow
def test_every_value_of_a_table(folder: Path) -> None:
    """As the key of somebody who wants the verifier to crash."""
    key, proof = VerifyingKey.load(folder / "key.vfk"), Proof.load(folder / "proof.vfb")
    good, *rest = map(bytes, key.material)
    count = 0
    for what, table in changed(json.loads(good)):
        data = codec.canonical_json(table)
        forged = replace(key, material=(data, *rest))
        if data != good:
            error = refusal(lambda k=forged: verifai.verify(resealed(k, proof), k))  # type: ignore[misc]
            assert isinstance(error, (MalformedError, VerificationError)), what
            count += 1
    assert count > 1000


def test_a_batch_of_millions(folder: Path) -> None:
    """A private input costs a statement no bytes, however long its batch is."""
    key, proof = VerifyingKey.load(folder / "key.vfk"), Proof.load(folder / "proof.vfb")
    hidden = replace(key.inputs[0], visibility="private")
    forged = replace(key, inputs=(hidden,), outputs=(replace(hidden, name="out"),))
    for batch in (1 << 20, 1 << 10):
        spec = replace(hidden, shape=(batch, *hidden.shape))
        claims = [verifai.proof.TensorClaim(replace(spec, name=n)) for n in (spec.name, "out")]
        bundle = Proof.of(forged.statement(claims[:1], claims[1:]), proof.argument)
        assert isinstance(
            refusal(lambda b=bundle: verifai.verify(b, forged)),  # type: ignore[misc]
            (MalformedError, VerificationError),
        )


def test_every_value_of_a_graph(folder: Path) -> None:
    """A circuit's graph is read strictly, or refused as malformed."""
    circuit = verifai.Circuit.load(folder / "circuit.vfc")
    good = bytes(circuit.compiled)
    length = int.from_bytes(good[14:18], "big")
    header, tail = json.loads(good[18 : 18 + length]), good[18 + length :]
    refused = count = 0
    for what, value in changed(header):
        text = codec.canonical_json(value)
        data = good[:14] + len(text).to_bytes(4, "big") + text + tail
        count += 1
        with bounded():
            try:
                IntegerGraph.from_bytes(data)
            except MalformedError:
                refused += 1
            except Exception as error:
                raise AssertionError(f"{what}: {error!r}") from error
    assert count > 1000
    assert refused > count // 2


PARAMETERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a list": lambda p: [],
    "no fields": lambda p: {},
    "columns of 2^20 bits": lambda p: {**p, "log_columns": 1 << 20},
    "columns below 0": lambda p: {**p, "log_columns": -1},
    "columns as text": lambda p: {**p, "log_columns": "7"},
    "columns that are true": lambda p: {**p, "log_columns": True},
    "other columns": lambda p: {**p, "log_columns": 9},
    "an unknown visibility": lambda p: {**p, "visibility": {**p["visibility"], "input": "x"}},
    "a visibility that is a list": lambda p: {**p, "visibility": {**p["visibility"], "input": []}},
    "another visibility": lambda p: {**p, "visibility": {**p["visibility"], "input": "private"}},
    "hiding as a number": lambda p: {**p, "zero_knowledge": 1},
    "hiding": lambda p: {**p, "zero_knowledge": True},
    "another protocol": lambda p: {**p, "protocol": "0"},
    "another table": lambda p: {**p, "table": "00" * 32},
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_circuits_of_nonsense(name: str, folder: Path) -> None:
    circuit = verifai.Circuit.load(folder / "circuit.vfc")
    value = PARAMETERS[name](json.loads(bytes(circuit.parameters)))
    forged = replace(circuit, parameters=codec.canonical_json(value))
    error = refusal(lambda: verifai.setup(forged))
    assert isinstance(error, MalformedError)
    forged.save(folder / "circuit.vfc")
    before = listing(folder)
    code, _ = command("setup circuit.vfc --pk new.vfp --vk new.vfk", folder)
    assert code == error.exit_code
    assert listing(folder) == before


@pytest.mark.parametrize("part", ["onnx", "parameters", "compiled"])
@pytest.mark.parametrize("data", [b"", b"\0", b"\xff" * 1000, b"{}"])
def test_circuits_with_a_part_of_nonsense(part: str, data: bytes, folder: Path) -> None:
    circuit = verifai.Circuit.load(folder / "circuit.vfc")
    forged = replace(circuit, **{part: data})
    assert isinstance(refusal(lambda: verifai.setup(forged)), MalformedError)
    if part == "onnx":
        assert isinstance(refusal(lambda: forged.fidelity([[0.0] * 4])), MalformedError)
        file = forged.to_bytes()
        assert isinstance(refusal(lambda: verifai.Circuit.from_bytes(file)), MalformedError)


SRS_PARTS = [b"", b"development!", bytes(64), b"\xff" * 512]


@pytest.mark.parametrize("srs", SRS_PARTS)
def test_proving_keys_with_another_string(srs: bytes, folder: Path) -> None:
    key = verifai.ProvingKey.load(folder / "proving.vfp")
    forged = verifai.ProvingKey(key.circuit, key.verifying_key, srs, bytes(key.material))
    assert isinstance(refusal(lambda: verifai.prove(forged, [[0.0] * 4])), MalformedError)
    forged.save(folder / "proving.vfp")
    code, _ = command("prove proving.vfp --input input.json --out new", folder)
    assert code == 3
    assert not (folder / "new").exists()


@pytest.mark.parametrize("first", [b"", bytes(64), b"\xff" * 64])
def test_proving_keys_with_other_commitments(first: bytes, folder: Path) -> None:
    key = verifai.ProvingKey.load(folder / "proving.vfp")
    table, own, tau = map(bytes, key.verifying_key.material)
    other = replace(key.verifying_key, material=(table, first + own[64:], tau))
    forged = verifai.ProvingKey(key.circuit, other, bytes(key.srs), bytes(key.material))
    assert isinstance(refusal(lambda: verifai.prove(forged, [[0.0] * 4])), MalformedError)


@pytest.mark.parametrize("material", [b"", b"\0", b"\xff" * 32, bytes(32 * 1000)])
def test_proving_keys_with_other_blindings(material: bytes, folder: Path) -> None:
    key = verifai.ProvingKey.load(folder / "proving.vfp")
    forged = verifai.ProvingKey(key.circuit, key.verifying_key, bytes(key.srs), material)
    assert isinstance(refusal(lambda: verifai.prove(forged, [[0.0] * 4])), MalformedError)
