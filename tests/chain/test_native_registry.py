"""The record of native proofs: published, read back from the chain alone, rebuilt, verified."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("eth_tester")
pytest.importorskip("verifai._native", reason="the proving core is not built")
pytest.importorskip("torch")

import verifai
from tests.chain.market_double import World, make_world
from verifai.chain import connect
from verifai.chain.native.registry import NativeRegistry
from verifai.compact.words import statement_words
from verifai.errors import (
    ChainRejected,
    MalformedError,
    NetworkError,
    UnsupportedError,
    UsageError,
)
from verifai.evm import abi, history
from verifai.market.order import input_words
from verifai.verifier.native.check import context_bytes


@pytest.fixture(scope="module")
def keys():
    import torch

    torch.manual_seed(1)
    batch = torch.rand(8, 5)
    model = verifai.export(torch.nn.Linear(5, 3), (batch[:1],))
    return *verifai.setup(verifai.compile(model, batch[:, None].numpy())), batch[:1].numpy()


@pytest.fixture
def world(keys):
    _, vk, inputs = keys
    with connect() as chain:
        world = make_world(chain)
        world.know(vk, len(input_words(vk, inputs)) // 16)
        yield world


def proved(world: World, keys, context=None):
    pk, vk, inputs = keys
    proof = verifai.prove(pk, inputs, context=context)
    world.allow(context_bytes(context), statement_words(vk, proof.statement))
    return proof


def test_what_is_published_is_read_back(world, keys):
    _, vk, _ = keys
    registry = NativeRegistry(world.chain, world.contracts.registry)
    assert list(registry.records()) == []
    proofs = [proved(world, keys), proved(world, keys, {"publisher": "me", "nonce": 1 << 200})]
    hashes = [registry.publish(proof, vk, world.circuit) for proof in proofs]
    records = list(registry.records())
    assert [record.transaction_hash for record in records] == hashes
    assert {record.publisher for record in records} == {world.client.account}
    assert {record.key_digest for record in records} == {bytes.fromhex(vk.digest)}
    for record, proof in zip(records, proofs, strict=True):
        assert (record.circuit, record.problem) == (world.circuit, None)
        assert record.proof(vk).digest == proof.digest
        verifai.verify(record.proof(vk), vk, context=proof.statement.context)
        with pytest.raises(MalformedError):
            record.proof(vk, batch=2)


def test_a_statement_is_published_once(world, keys):
    _, vk, _ = keys
    registry = NativeRegistry(world.chain, world.contracts.registry)
    registry.publish(proved(world, keys), vk, world.circuit)
    again = proved(world, keys)  # other bytes, the same statement
    with pytest.raises(UnsupportedError, match="on record already") as caught:
        registry.publish(again, vk, world.circuit)
    assert caught.value.details["reason"] == "AlreadyPublished"
    copier = NativeRegistry(replace_signer(world), world.contracts.registry)
    copier.publish(again, vk, world.circuit)
    assert [record.publisher for record in copier.records()] == [
        world.client.account,
        world.stranger.account,
    ]


def replace_signer(world: World):
    from verifai.chain import Chain

    return Chain(world.stranger._sender, world.chain._deployments, None, lambda: None)


def test_a_refused_proof_leaves_no_trace(world, keys):
    pk, vk, inputs = keys
    registry = NativeRegistry(world.chain, world.contracts.registry)
    proof = verifai.prove(pk, inputs / 2)  # the double does not allow it, though it holds
    for check in (True, False):
        with pytest.raises(NetworkError, match="but the verifier here accepts it"):
            registry.publish(proof, vk, world.circuit, check=check)
    lie = verifai.Proof.of(proof.statement, verifai.prove(pk, inputs).argument)
    with pytest.raises(ChainRejected, match="check 7") as refused:
        registry.publish(lie, vk, world.circuit, check=False)
    assert (refused.value.check, refused.value.details["arguments"]) == (8, ["double"])
    with pytest.raises(UnsupportedError, match="not registered") as unknown:
        registry.publish(proved(world, keys), vk, abi.keccak(b"another circuit"))
    assert unknown.value.details["reason"] == "UnknownCircuit"
    assert list(registry.records()) == []
    with pytest.raises(UsageError):
        NativeRegistry(world.chain, "0x" + "12" * 20)


def test_a_node_that_leaves_a_record_out_is_found_out(world, keys, monkeypatch):
    _, vk, _ = keys
    registry = NativeRegistry(world.chain, world.contracts.registry)
    for nonce in range(3):
        registry.publish(proved(world, keys, {"nonce": nonce}), vk, world.circuit)
    honest = history._piece
    for gone in range(3):

        def lying(*question, gone=gone):
            logs = honest(*question)
            return logs[:gone] + logs[gone + 1 :]

        monkeypatch.setattr(history, "_piece", lying)
        records = registry.records()
        assert len([next(records), next(records)]) == 2  # what it tells is not lost
        with pytest.raises(NetworkError, match="whole history"):
            next(records)


def test_an_event_that_contradicts_its_transaction(world, keys, monkeypatch):
    _, vk, _ = keys
    registry = NativeRegistry(world.chain, world.contracts.registry)
    registry.publish(proved(world, keys), vk, world.circuit)
    honest = registry._registry.event

    def lying(log):
        name, fields = honest(log)
        return name, {**fields, "wordsDigest": bytes(32)}

    monkeypatch.setattr(registry._registry, "event", lying)
    (record,) = registry.records()
    assert "contradicts its transaction" in record.problem
    assert record.argument == b""


def test_a_record_without_its_call_has_no_proof(world, keys):
    _, vk, _ = keys
    registry = NativeRegistry(world.chain, world.contracts.registry)
    registry.publish(proved(world, keys), vk, world.circuit)
    (record,) = registry.records()
    with pytest.raises(MalformedError, match="elsewhere"):
        replace(record, problem="published elsewhere").proof(vk)
