"""The record of native proofs: published, read back from the chain alone, rebuilt, verified."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("verifai._native", reason="the proving core is not built")

import verifai
from tests.chain.embedded import Begun
from tests.chain.market_double import World, furnish, make_world
from tests.needs import skip_without
from verifai.chain import Chain, connect
from verifai.chain.connection import Connection
from verifai.chain.native.prepared import Prepared
from verifai.chain.native.registry import NativeRegistry
from verifai.compact.words import statement_words
from verifai.errors import (
    ChainRejectedError,
    MalformedError,
    NetworkError,
    UnsupportedError,
)
from verifai.evm import abi, logs
from verifai.evm.interface import Interface
from verifai.market.order import input_words
from verifai.verifier.native.check import context_bytes

skip_without("eth_tester", "torch")


@pytest.fixture(scope="module")
def keys():
    import torch

    torch.manual_seed(1)
    batch = torch.rand(8, 5)
    model = verifai.export(torch.nn.Linear(5, 3), (batch[:1],))
    return *verifai.setup(verifai.compile(model, batch[:, None].numpy())), batch[:1].numpy()


@pytest.fixture(scope="module")
def begun(keys) -> Begun:
    _, vk, inputs = keys
    with connect() as chain:
        furnish(chain, vk, len(input_words(vk, inputs)) // 16)
        return Begun(chain)


@pytest.fixture
def world(begun, keys):
    with begun.connect() as chain:
        yield make_world(chain, keys[1])


def proved(world: World, keys, context=None):
    pk, vk, inputs = keys
    proof = verifai.prove(pk, inputs, context=context)
    world.allow(context_bytes(context), statement_words(vk, proof.statement))
    return proof


def registry_of(world: World, chain: Chain | None = None) -> NativeRegistry:
    return NativeRegistry((chain or world.chain).connection.sender, world.contracts.registry)


def published(registry: NativeRegistry, proof, vk) -> str:
    return registry.publish(Prepared.of(proof, vk).arguments, None)


def test_what_is_published_is_read_back(world, keys):
    _, vk, _ = keys
    registry = registry_of(world)
    assert list(registry.records()) == []
    proofs = [proved(world, keys), proved(world, keys, {"publisher": "me", "nonce": 1 << 200})]
    hashes = [published(registry, proof, vk) for proof in proofs]
    records = list(registry.records())
    assert [record.transaction_hash for record in records] == hashes
    assert {record.publisher for record in records} == {world.client.account}
    assert {record.key_digest for record in records} == {vk.digest}
    for record, proof in zip(records, proofs, strict=True):
        assert (record.call.circuit, record.problem) == (world.circuit, None)
        made = record.call.proof(vk, 1)
        assert made.digest == proof.digest
        verifai.verify(made, vk, context=proof.statement.context)
        with pytest.raises(MalformedError):
            record.call.proof(vk, 2)


def test_a_statement_is_published_once(world, keys):
    _, vk, _ = keys
    registry = registry_of(world)
    published(registry, proved(world, keys), vk)
    again = proved(world, keys)  # other bytes, the same statement
    with pytest.raises(UnsupportedError, match="on record already") as caught:
        published(registry, again, vk)
    assert caught.value.details["reason"] == "AlreadyPublished"
    stranger = Chain(Connection(world.stranger._sender, world.chain.connection.deployments))
    copier = registry_of(world, stranger)
    published(copier, again, vk)
    assert [record.publisher for record in copier.records()] == [
        world.client.account,
        world.stranger.account,
    ]


def test_a_refused_proof_leaves_no_trace(world, keys):
    pk, vk, inputs = keys
    registry = registry_of(world)
    proof = verifai.prove(pk, inputs / 2)  # the double does not allow it, though it holds
    for confirm in (None, lambda: verifai.verify(proof, vk)):
        with pytest.raises(NetworkError, match="but the verifier here accepts it"):
            registry.publish(Prepared.of(proof, vk).arguments, confirm)
    lie = verifai.Proof.of(proof.statement, verifai.prove(pk, inputs).argument)
    with pytest.raises(ChainRejectedError, match="check 7") as refused:
        registry.publish(Prepared.of(lie, vk).arguments, lambda: verifai.verify(lie, vk))
    assert (refused.value.check, refused.value.details["arguments"]) == (8, ["double"])
    made = Prepared.of(proved(world, keys), vk)
    other = replace(made, call=replace(made.call, circuit=abi.keccak(b"another circuit")))
    with pytest.raises(UnsupportedError, match="not registered") as unknown:
        registry.publish(other.arguments, None)
    assert unknown.value.details["reason"] == "UnknownCircuit"
    assert list(registry.records()) == []


def test_a_node_that_leaves_a_record_out_is_found_out(world, keys, monkeypatch):
    _, vk, _ = keys
    registry = registry_of(world)
    for nonce in range(3):
        published(registry, proved(world, keys, {"nonce": nonce}), vk)
    honest = logs._piece
    for gone in range(3):

        def lying(*question, gone=gone):
            told = honest(*question)
            return told[:gone] + told[gone + 1 :]

        monkeypatch.setattr(logs, "_piece", lying)
        records = registry.records()
        assert len([next(records), next(records)]) == 2  # what it tells is not lost
        with pytest.raises(NetworkError, match="whole history"):
            next(records)


def test_an_event_that_contradicts_its_transaction(world, keys, monkeypatch):
    _, vk, _ = keys
    registry = registry_of(world)
    published(registry, proved(world, keys), vk)
    honest = Interface.event

    def lying(self, log, name):
        return {**honest(self, log, name), "wordsDigest": bytes(32)}

    monkeypatch.setattr(Interface, "event", lying)
    (record,) = registry.records()
    assert "contradicts its transaction" in record.problem
    assert record.call is None


def test_a_record_without_its_call_has_no_proof(world, keys):
    _, vk, _ = keys
    registry = registry_of(world)
    published(registry, proved(world, keys), vk)
    (record,) = registry.records()
    with pytest.raises(MalformedError, match="elsewhere"):
        world.chain.bundle(replace(record, call=None, problem="published elsewhere"), vk)
