"""Verifying keys whose header is not what the honest setup wrote, a row for each field.

Two attackers. One copies a key, changes a field, and hopes that honest proofs, registrations and
records are shown under the copy. The other runs the setup itself, with a false header from the
start.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import verifai
from tests.audit.memory import MemoryChain, Record, publish
from verifai.audit import Policy, run
from verifai.backends.native.keys import load
from verifai.chain.native.call import NativeCall
from verifai.chain.native.circuits import circuit_table
from verifai.circuit.witness import witness
from verifai.compact import circuit_id
from verifai.errors import VerifaiError, VerificationError
from verifai.graph import quantise_inputs
from verifai.graph import run as run_graph
from verifai.proof import KeyStore, Proof, Registration, TensorClaim, VerifyingKey
from verifai.verifier.native import verify
from verifai.verifier.native.check import words_of

core = pytest.importorskip("verifai._native", reason="the proving core is not built")

D = "ab" * 32
VISIBILITIES = ("public", "committed", "private")
Change = Callable[[VerifyingKey], VerifyingKey]


@dataclass(frozen=True)
class Made:
    """An honest key pair with a proof and a registration."""

    pk: verifai.ProvingKey
    vk: VerifyingKey
    proof: Proof
    registration: Registration
    inputs: tuple[Any, ...]


@functools.cache
def exported() -> tuple[verifai.Model, list[tuple[Any, ...]]]:
    """Two inputs and two outputs, the first ones of one shape."""
    import torch

    class Two(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(3)
            self.linear = torch.nn.Linear(3, 3)

        def forward(self, a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            y = torch.relu(self.linear(a)) + b
            return y, y.sum(dim=0)

    rng = np.random.default_rng(5)
    samples = [tuple(rng.random((2, 3), np.float32) for _ in "ab") for _ in range(8)]
    return verifai.export(Two(), tuple(map(torch.from_numpy, samples[0]))), samples


@functools.cache
def made(shown: str) -> Made:
    model, samples = exported()
    visibility = verifai.Visibility(input=shown, output=shown)
    pk, vk = verifai.setup(verifai.compile(model, samples, visibility=visibility))
    proof = verifai.prove(pk, samples[0])
    return Made(pk, vk, proof, verifai.prove_weights(pk), samples[0])


def tensor(role: str, at: int, **changes: Any) -> Change:
    """Another name, shape, scale or visibility of one input or output."""

    def change(key: VerifyingKey) -> VerifyingKey:
        specs = list(getattr(key, role))
        specs[at] = replace(specs[at], **changes)
        return replace(key, **{role: tuple(specs)})

    return change


def shifted(role: str, by: int) -> Change:
    """Another scale."""
    return lambda key: tensor(role, 0, scale=getattr(key, role)[0].scale + by)(key)


def shown(role: str, by: int) -> Change:
    """Another visibility."""

    def change(key: VerifyingKey) -> VerifyingKey:
        at = VISIBILITIES.index(getattr(key, role)[0].visibility)
        return tensor(role, 0, visibility=VISIBILITIES[(at + by) % 3])(key)

    return change


def guarantees(**changes: Any) -> Change:
    return lambda key: replace(key, guarantees=replace(key.guarantees, **changes))


#: What nobody sees in a key: it is bound, and compiling again is what finds a lie.
BOUND_ONLY: dict[str, Change] = {
    "model": lambda key: replace(key, model=D),
    "circuit": lambda key: replace(key, circuit=D),
    "weights": lambda key: replace(key, weights="public"),
    "the name of an input": tensor("inputs", 0, name="other"),
    "the name of an output": tensor("outputs", 1, name="other"),
    "the names of two inputs, exchanged": lambda key: replace(
        key,
        inputs=tuple(
            replace(a, name=b.name) for a, b in zip(key.inputs, key.inputs[::-1], strict=True)
        ),
    ),
    "the scale of an input": shifted("inputs", 3),
    "the scale of an output": shifted("outputs", -1),
}
#: What the material says too: the check that compares them.
COMPARED: dict[str, tuple[int, Change]] = {
    "the shape of an input: (3, 2) for (2, 3)": (3, tensor("inputs", 0, shape=(3, 2))),
    "the shape of an output: (3, 2) for (2, 3)": (3, tensor("outputs", 0, shape=(3, 2))),
    "an axis less": (3, tensor("outputs", 0, shape=(6,))),
    "an axis of one more": (3, tensor("outputs", 1, shape=(1, 3))),
    "more elements": (3, tensor("inputs", 1, shape=(2, 4))),
    "the visibility of an input": (3, shown("inputs", 1)),
    "the visibility of an output": (3, shown("outputs", 1)),
    "another visibility of an input": (3, shown("inputs", 2)),
    "another visibility of an output": (3, shown("outputs", 2)),
    "the order of two outputs of two shapes": (
        3,
        lambda key: replace(key, outputs=key.outputs[::-1]),
    ),
    "an input as an output": (
        3,
        lambda key: replace(
            key, inputs=key.inputs[:1], outputs=(replace(key.inputs[1], name="y"), *key.outputs)
        ),
    ),
    "an output as an input": (
        3,
        lambda key: replace(
            key, inputs=(*key.inputs, replace(key.outputs[0], name="x")), outputs=key.outputs[1:]
        ),
    ),
    "an input less": (3, lambda key: replace(key, inputs=key.inputs[:1])),
    "an output more": (
        3,
        lambda key: replace(key, outputs=(*key.outputs, replace(key.outputs[0], name="z"))),
    ),
    "version": (4, guarantees(version="1")),
    "zero knowledge": (4, guarantees(zero_knowledge=False)),
    "kind of reference string": (4, guarantees(srs="ceremony")),
    "reference string": (4, guarantees(srs_id=D)),
    "length of proofs": (6, lambda key: replace(key, proof_bytes=key.proof_bytes + 32)),
}
CHANGES = {**{name: change for name, (_, change) in COMPARED.items()}, **BOUND_ONLY}


def under(honest: Made, key: VerifyingKey, proof: Proof | None = None) -> Proof:
    """The bundle that a publisher would make under ``key`` of a proof's argument and values.

    Values stay in their places, so that shapes, roles and names can be told otherwise.
    """
    proof = proof or honest.proof
    claims = list(proof.statement.inputs + proof.statement.outputs)
    told = []
    for at, spec in enumerate(key.inputs + key.outputs):
        like = claims[min(at, len(claims) - 1)]
        integers = (like.integers or (0,) * spec.size)[: spec.size]
        integers += (0,) * (spec.size - len(integers))
        told.append(
            TensorClaim(
                spec,
                integers=integers if spec.visibility == "public" else None,
                commitment=(like.commitment or D) if spec.visibility == "committed" else None,
            )
        )
    cut = len(key.inputs)
    return Proof.of(key.statement(told[:cut], told[cut:]), proof.argument)


def check_of(proof: Proof, key: VerifyingKey, **options: Any) -> int:
    with pytest.raises(VerificationError) as caught:
        verifai.verify(proof, key, **options)
    assert caught.value.check is not None
    return int(caught.value.check)


@pytest.mark.parametrize("visibility", VISIBILITIES)
@pytest.mark.parametrize("name", CHANGES)
def test_a_copy_of_a_key_with_another_header(name: str, visibility: str) -> None:
    """It is another key by name, and nothing of the honest one holds under it."""
    honest = made(visibility)
    key = CHANGES[name](honest.vk)
    assert key.digest != honest.vk.digest
    assert key.material == honest.vk.material
    assert check_of(honest.proof, key) == 2
    told = under(honest, key)
    assert check_of(told, key) == COMPARED[name][0] if name in COMPARED else 7
    if name in BOUND_ONLY:
        with pytest.raises(VerificationError) as caught:
            verifai.verifier.native.check.check_registration(
                key, replace(honest.registration, verifying_key=key.digest)
            )
        assert caught.value.check == 9


def test_a_key_of_another_backend() -> None:
    honest = made("public")
    key = guarantees(backend="ezkl")(honest.vk)
    assert check_of(honest.proof, key) == 2
    with pytest.raises(VerifaiError):  # the material is none of that backend's
        verifai.verify(under(honest, key), key)
    with pytest.raises(VerificationError) as caught:
        circuit_table(key, 1)
    assert caught.value.check == 4


@pytest.mark.parametrize("name", BOUND_ONLY)
def test_on_a_chain_the_copy_is_another_circuit(name: str) -> None:
    honest = made("public").vk
    key = BOUND_ONLY[name](honest)
    mine, other = (circuit_table(k, 1) for k in (honest, key))
    assert circuit_id(mine) != circuit_id(other)
    assert (mine[:32].hex(), other[:32].hex()) == (honest.digest, key.digest)
    assert mine[64:] == other[64:]  # nothing but the digests of key and header


@pytest.mark.parametrize("name", COMPARED)
def test_a_key_that_contradicts_itself_has_no_circuit_on_a_chain(name: str) -> None:
    check, change = COMPARED[name]
    with pytest.raises(VerificationError) as caught:
        circuit_table(change(made("public").vk), 1)
    assert caught.value.check == check


def hostile(honest: Made, change: Change) -> tuple[VerifyingKey, Proof]:
    """A setup with a false header, and its proof: all but the header is as it should be."""
    key = change(honest.vk)
    loaded = load(honest.pk)
    weights = [array.astype("<i4").tobytes() for array in loaded.lowered.weights]
    table = loaded.lowered.table
    blindings = bytes(honest.pk.material)
    prover = core.Prover(key.header_digest, table, weights, loaded.strings, blindings)
    batch = [np.asarray(array)[np.newaxis] for array in honest.inputs]
    values = run_graph(loaded.graph, quantise_inputs(loaded.graph, batch), batch=True)
    committed = [a.astype("<i8").tobytes() for a in witness(loaded.lowered, values, 1)]
    _, argument = prover.prove(1, committed, bytes(32))
    return key, Proof.of(honest.proof.statement, argument)


@pytest.mark.parametrize("visibility", VISIBILITIES)
@pytest.mark.parametrize("name", COMPARED)
def test_a_setup_with_a_false_header_is_refused(name: str, visibility: str) -> None:
    honest = made(visibility)
    check, change = COMPARED[name]
    key, proof = hostile(honest, change)
    assert check_of(under(honest, key, proof), key) == check


@pytest.mark.parametrize("name", BOUND_ONLY)
def test_what_only_compiling_again_finds(name: str) -> None:
    """Where a verifier's sight ends: docs/verification.md, "What a key may claim of itself"."""
    honest = made("public")
    key, proof = hostile(honest, BOUND_ONLY[name])
    statement = verifai.verify(under(honest, key, proof), key)
    assert statement.verifying_key == key.digest != honest.vk.digest
    circuit, salt = honest.pk.circuit, honest.pk.salt
    verifai.verify_model(circuit, honest.vk, salt=salt)
    with pytest.raises(VerificationError) as refusal:
        verifai.verify_model(circuit, key, salt=salt if key.hides_weights else None)
    assert refusal.value.check == 12


def test_a_hostile_setup_needs_the_header_that_it_shows() -> None:
    """The digest is absorbed first: the same argument under any other header is no proof."""
    honest = made("public")
    key, proof = hostile(honest, BOUND_ONLY["model"])
    words = words_of(honest.vk, honest.proof.statement)
    parts = [bytes(section) for section in key.material]
    verify(key.header_digest, *parts, 1, bytes(32), words, proof.argument)
    for digest in (honest.vk.header_digest, bytes(32)):
        with pytest.raises(VerificationError):
            verify(digest, *parts, 1, bytes(32), words, proof.argument)
        told = b"".join(word.to_bytes(32, "big") for word in words)
        with pytest.raises(ValueError, match=r"last|tail"):
            core.native_verify(digest, *parts, 1, bytes(32), told, proof.argument)


# ---- the copy beside the key --------------------------------------------------------------------


@dataclass
class NativeChain(MemoryChain):
    """Bundles are made from words and proof with the key, as those of a real chain."""

    calls: dict[str, NativeCall] = field(default_factory=dict)

    def bundle(self, record: Record, key: VerifyingKey) -> Proof:
        return self.calls[record.transaction_hash].proof(key, 1)


def chain_of(honest: Made, key: VerifyingKey, proof: Proof) -> NativeChain:
    """One record of ``proof`` under ``key``; nobody claims statement and bundle."""
    words = b"".join(w.to_bytes(16, "big") for w in words_of(honest.vk, honest.proof.statement))
    call = NativeCall(bytes(32), b"", words, proof.argument)
    record = publish(honest.proof, key_digest=key.digest, statement_digest="", bundle_digest="")
    return NativeChain([record], calls={record.transaction_hash: call})


def stores(keys: tuple[VerifyingKey, ...], folder: Path) -> dict[str, Any]:
    """Both keys in all orders, as files and as a list."""
    found: dict[str, Any] = {}
    for number, order in enumerate(itertools.permutations(keys)):
        place = folder / str(number)
        for name, key in zip(("a", "b"), order, strict=True):
            key.save(place / f"{name}.vfk")
        found[f"files {number}"] = KeyStore(place)
        found[f"list {number}"] = list(order)
    return found


#: What a reader of a report would be misled about: whose model, and how large an output.
SHOWN = ("model", "the scale of an output")


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.parametrize("mine", ["honest", "hostile"])
def test_a_record_is_shown_under_its_own_header(name: str, mine: str, tmp_path: Path) -> None:
    """Whatever lies beside it: a record names one header, and no other is shown or policed."""
    honest = made("public")
    key, proof = hostile(honest, BOUND_ONLY[name])
    own, argument = (honest.vk, honest.proof) if mine == "honest" else (key, proof)
    policy = Policy(models=(own.model,), required_models=(own.model,), keys=(own.digest,))
    foreign = Policy(keys=((key if own is honest.vk else honest.vk).digest,))
    for keys in stores((honest.vk, key), tmp_path).values():
        report = run(chain_of(honest, own, argument), policy, keys=keys)
        assert report.verdict == "verified"
        (entry,) = report.entries
        assert entry.statement is not None
        shown = (entry.statement.model, entry.statement.circuit, entry.statement.weights)
        assert shown == (own.model, own.circuit, own.weights)
        assert [c.spec for c in entry.statement.inputs] == list(own.inputs)
        assert [c.spec for c in entry.statement.outputs] == list(own.outputs)
        assert entry.record["key_digest"] == own.digest == entry.statement.verifying_key
    assert run(chain_of(honest, own, argument), foreign, keys=keys).verdict == "policy"


@pytest.mark.parametrize("name", BOUND_ONLY)
def test_the_copy_alone_is_no_key_of_the_record(name: str, tmp_path: Path) -> None:
    honest = made("public")
    key = BOUND_ONLY[name](honest.vk)
    key.save(tmp_path / f"{honest.vk.digest}.vfk")  # under the honest key's name
    for keys in (KeyStore(tmp_path), [key]):
        (entry,) = run(chain_of(honest, honest.vk, honest.proof), keys=keys).entries
        assert (entry.verdict, entry.statement) == ("unchecked", None)
