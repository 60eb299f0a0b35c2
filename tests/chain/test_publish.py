"""Publishing, with a pretended proof system: fast, and every branch within reach."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from verifai.backends import EvmCall
from verifai.chain import connect
from verifai.chain.chain import Chain
from verifai.chain.generated.registry import GeneratedRegistry, Publication
from verifai.chain.shipped import interface
from verifai.errors import (
    ChainRejectedError,
    MalformedError,
    NetworkError,
    UnsupportedError,
    UsageError,
    VerificationError,
)
from verifai.evm import logs
from verifai.proof import KeyStore, Proof


@pytest.fixture
def chain():
    with connect() as chain:
        yield chain


def test_publish_and_read_back(chain, pretended, tmp_path):
    vk = pretended.key()
    proof = pretended.proof(vk)
    keys = KeyStore(tmp_path / "keys")
    receipt = chain.publish(proof, vk, keys=keys)
    assert receipt.deployed_gas > 400_000
    assert receipt.chain_id == chain.chain_id
    assert (receipt.bundle_digest, receipt.key_digest) == (proof.digest, vk.digest)
    assert list(keys) == [vk.digest]
    (record,) = chain.published()
    assert record.registry == receipt.contract
    assert record.transaction_hash == receipt.transaction_hash
    assert record.gas_used == receipt.gas_used
    assert record.verifier_code_hash == chain.code_hash(receipt.verifier)
    assert record.verifier_code_hash == chain.expected_code_hash(vk)
    assert record.statement_digest == proof.statement.digest
    # The whole bundle comes back from the transaction and the key.
    assert pretended.from_evm_call(vk, record.call).digest == record.bundle_digest
    assert chain.registries == (receipt.contract,)
    assert len(repr(record)) < 200
    assert len(repr(chain)) < 200


def test_publishing_twice_gives_the_same_receipt(chain, pretended):
    vk = pretended.key()
    first = chain.publish(pretended.proof(vk), vk)
    block = chain.web3.eth.block_number
    assert chain.publish(pretended.proof(vk), vk) == replace(first, deployed_gas=0)
    assert chain.web3.eth.block_number == block


def test_contracts_are_deployed_once_per_key(chain, pretended):
    one, two = pretended.key("a"), pretended.key("b")
    first = chain.publish(pretended.proof(one), one)
    second = chain.publish(pretended.proof(one, 5, 6), one)
    third = chain.publish(pretended.proof(two), two)
    assert second.deployed_gas == 0 < third.deployed_gas < first.deployed_gas
    assert first.contract == second.contract == third.contract
    assert first.verifier == second.verifier != third.verifier
    assert chain.expected_code_hash(one) != chain.expected_code_hash(two)


def test_a_bad_proof_is_not_even_sent(chain, pretended):
    vk = pretended.key()
    bad = pretended.proof(vk, argument=b"\x02")
    with pytest.raises(VerificationError) as caught:
        chain.publish(bad, vk)
    assert (caught.value.check, chain.web3.eth.block_number) == (7, 0)


def test_a_bad_proof_sent_anyway_is_rejected(chain, pretended):
    vk = pretended.key()
    with pytest.raises(ChainRejectedError) as caught:
        chain.publish(pretended.proof(vk, argument=b"\x02"), vk, check=False)
    error = caught.value
    assert (error.check, error.check_name, error.exit_code) == (8, "contract", 1)
    assert error.details["reason"] == "ProofRefused"
    assert list(chain.published()) == []
    # And the chain takes the good one afterwards.
    chain.publish(pretended.proof(vk), vk)
    assert len(list(chain.published())) == 1


def test_an_instance_above_the_modulus_is_rejected(chain, pretended, monkeypatch):
    monkeypatch.setattr(
        pretended, "evm_call", lambda *_: EvmCall(b"\x01", (1, (1 << 256) - 1)), raising=False
    )
    vk = pretended.key()
    with pytest.raises(ChainRejectedError, match="modulus"):
        chain.publish(pretended.proof(vk), vk, check=False)


def test_a_context_cannot_be_published(chain, pretended):
    vk = pretended.key()
    plain = pretended.proof(vk)
    statement = replace(plain.statement, context={"job": 7})
    with pytest.raises(UnsupportedError, match="rebuilt"):
        chain.publish(Proof.of(statement, plain.argument), vk)
    assert chain.web3.eth.block_number == 0


def test_the_first_of_two_publishers_wins(chain, pretended, monkeypatch):
    """The other sees AlreadyPublished from the contract and gets the same receipt."""
    vk = pretended.key()
    first = chain.publish(pretended.proof(vk), vk)
    find = GeneratedRegistry.find
    answers = iter([lambda *_: None, find])
    monkeypatch.setattr(GeneratedRegistry, "find", lambda *a: next(answers)(*a))
    assert chain.publish(pretended.proof(vk), vk).transaction_hash == first.transaction_hash


def test_calldata_with_trailing_bytes_is_a_problem(chain, pretended):
    vk = pretended.key()
    receipt = chain.publish(pretended.proof(vk), vk)
    call = pretended.evm_call(vk, pretended.proof(vk, 8, 9).statement, b"\x01")
    data = Publication(receipt.verifier, "11" * 32, "22" * 32, "33" * 32, call).calldata()
    chain.connection.sender.send(receipt.contract, data + b"\0", "test")
    first, second = chain.published()
    assert first.problem is None
    assert second.call is None
    assert "trailing" in second.problem
    with pytest.raises(MalformedError):
        read(data + b"\0")
    with pytest.raises(MalformedError):
        read(b"\0" * 4 + data[4:])
    with pytest.raises(MalformedError):
        read(data[:-1])


def read(data: bytes) -> Publication:
    arguments = interface("ProofRegistry").arguments("publish", data)
    verifier, key, statement, bundle, argument, instances = arguments
    call = EvmCall(argument, tuple(instances))
    return Publication(verifier, key.hex(), statement.hex(), bundle.hex(), call)


FORWARDER = """
// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.0;
contract Forwarder {
    fallback() external {
        (bool ok, ) = address(bytes20(msg.data[0:20])).call(msg.data[20:]);
        require(ok);
    }
}
"""


def test_a_record_through_another_contract_is_a_problem(chain, pretended):
    from verifai.contracts.solidity import compile_contract

    vk = pretended.key()
    receipt = chain.publish(pretended.proof(vk), vk)
    contract = compile_contract(FORWARDER, "Forwarder")
    forwarder, _ = chain.connection.ensure(contract.code_hash, contract.creation, "a forwarder")
    call = pretended.evm_call(vk, pretended.proof(vk, 8, 9).statement, b"\x01")
    data = Publication(receipt.verifier, "11" * 32, "22" * 32, "33" * 32, call).calldata()
    chain.connection.sender.send(forwarder, bytes.fromhex(receipt.contract[2:]) + data, "test")
    first, second = chain.published()
    assert first.problem is None
    assert second.call is None
    assert "another contract" in second.problem
    assert second.publisher == forwarder


def fill(chain: Chain, pretended, count: int) -> list[str]:
    vk = pretended.key()
    return [chain.publish(pretended.proof(vk, n, n), vk).transaction_hash for n in range(count)]


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_history_is_read_in_chunks(chain, pretended, monkeypatch, size):
    hashes = fill(chain, pretended, 5)
    monkeypatch.setattr(logs, "LOG_BLOCKS", size)
    assert [record.transaction_hash for record in chain.published()] == hashes


def test_a_node_that_allows_few_blocks(chain, pretended, monkeypatch):
    hashes = fill(chain, pretended, 5)
    piece = logs._piece

    def few(sender, address, topics, blocks, faults):
        if len(blocks) > 2:
            raise NetworkError("range too large")
        return piece(sender, address, topics, blocks, faults)

    monkeypatch.setattr(logs, "_piece", few)
    assert [record.transaction_hash for record in chain.published()] == hashes


@pytest.mark.parametrize("hidden", [0, 1, 2])
def test_a_node_that_hides_a_record_is_caught(chain, pretended, monkeypatch, hidden):
    hashes = fill(chain, pretended, 3)
    piece = logs._piece

    def some(*question):
        return [log for log in piece(*question)
                if log.transaction_hash != hashes[hidden]]  # fmt: skip

    monkeypatch.setattr(logs, "_piece", some)
    records = chain.published()
    told = [next(records).transaction_hash for _ in range(2)]
    assert told == [digest for digest in hashes if digest != hashes[hidden]]
    with pytest.raises(NetworkError, match="whole history"):
        next(records)


def test_a_known_registry_can_be_named(tmp_path, pretended):
    journal = tmp_path / "chain.jsonl"
    with connect(journal=journal) as chain:
        receipt = chain.publish(pretended.proof(pretended.key()), pretended.key())
    with connect(journal=journal, registry=receipt.contract.lower()) as chain:
        assert chain.registries == (receipt.contract,)
        assert len(list(chain.published())) == 1
    with pytest.raises(UsageError, match="no ProofRegistry"):
        connect(journal=journal, registry=receipt.verifier)


def test_mangled_calldata_is_malformed_or_equal():
    """One call has one encoding: whatever decodes encodes back to the same bytes."""
    rng = random.Random(5)
    call = EvmCall(bytes(range(70)), (1, 2, 3))
    data = Publication("0x" + "12" * 20, "11" * 32, "22" * 32, "33" * 32, call).calldata()
    decoded = 0
    for _ in range(2000):
        mangled = bytearray(data)
        for _ in range(rng.randint(1, 3)):
            mangled[rng.randrange(len(mangled))] = rng.choice((0, 1, 0x20, 0x7F, 0xFF))
        cut = rng.randrange(len(mangled)) if rng.random() < 0.2 else len(mangled)
        try:
            again = read(bytes(mangled[:cut])).calldata()
        except MalformedError:
            continue
        decoded += 1
        assert again == bytes(mangled[:cut])
    assert 0 < decoded < 2000
