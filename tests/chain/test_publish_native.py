"""Native proofs: published, found again, audited; what is not what it says it is found out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("verifai._native", reason="the proving core is not built")

import verifai
from tests.chain.embedded import Begun
from tests.needs import skip_without
from verifai.chain import connect
from verifai.chain.native.acceptor import router_of
from verifai.chain.native.circuits import circuit_table
from verifai.chain.native.system import native_system
from verifai.chain.shipped import interface
from verifai.compact import circuit_id
from verifai.compact.gas import saving
from verifai.errors import (
    ChainRejectedError,
    InputError,
    NetworkError,
    UnsupportedError,
    UsageError,
)
from verifai.market import Market
from verifai.market.order import input_words

skip_without("eth_tester", "torch")


def made(seed: int, **options: Any) -> Any:
    import torch

    torch.manual_seed(seed)
    module = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.ReLU(), torch.nn.Linear(5, 2))
    x = np.random.default_rng(seed).random((8, 1, 6), dtype=np.float32)
    model = verifai.export(module, (torch.from_numpy(x[0]),))
    return *verifai.setup(verifai.compile(model, x, **options)), x


@pytest.fixture(scope="module")
def keys() -> Any:
    # of more columns than a chain likes: target="evm" would save gas
    return made(1, options=verifai.NativeOptions(log_columns=15))


@pytest.fixture(scope="module")
def begun(keys) -> Begun:
    """The contract set stands, and knows the circuit of the first key."""
    with connect() as chain:
        chain.deploy()
        chain.register_circuit(keys[1])
        return Begun(chain)


@pytest.fixture
def store(tmp_path) -> verifai.KeyStore:
    return verifai.KeyStore(tmp_path / "keys")


def test_published_once_found_and_verified(keys, store) -> None:
    pk, vk, x = keys
    context = {"job": 7, "payee": "me"}
    one, many = verifai.prove(pk, x[0], context=context), verifai.prove(pk, x[:3], batch=True)
    with connect() as chain:
        first = chain.publish(one, vk, keys=store)
        second = chain.publish(many, vk, keys=store)
        assert first.deployed_gas > 1_000_000 > second.deployed_gas > 0  # a circuit of its own
        saved = saving(bytes(vk.material[0]), 3)
        assert second.evm_target_saves == chain.estimate(many, vk).evm_target_saves == saved > 0
        assert (first.bundle_digest, first.key_digest) == (one.digest, vk.digest)
        # another proof of a published statement: the receipt of the first one, and nothing sent
        height = chain.web3.eth.block_number
        again = chain.publish(verifai.prove(pk, x[0], context=context), vk, keys=store)
        assert again == replace(first, deployed_gas=0)
        assert chain.web3.eth.block_number == height
        records = list(chain.published())
        assert [chain.bundle(record, vk).digest for record in records] == [one.digest, many.digest]
        for record, batch in zip(records, (1, 3), strict=True):
            assert record.verifier_code_hash == "0x" + circuit_id(circuit_table(vk, batch)).hex()
        two = verifai.audit.Policy(minimum_proofs=2)
        report = verifai.audit.run(chain, keys=store, policy=two)
        three = verifai.audit.Policy(minimum_proofs=3)
        assert verifai.audit.run(chain, keys=store, policy=three).verdict == "policy"
    assert report.verdict == "verified"
    assert [entry.verdict for entry in report.entries] == ["verified", "verified"]
    # no event claims these: they are of the bundles made from calldata
    shown = [entry.record["bundle_digest"] for entry in report.entries]
    assert shown == [one.digest, many.digest]


def test_a_lie_is_refused_by_the_contract(begun, keys, store) -> None:
    pk, vk, x = keys
    proof = verifai.prove(pk, x[0])
    claim = proof.statement.output
    other = replace(claim, integers=(claim.integers[0] + 1, *claim.integers[1:]))
    lie = verifai.Proof.of(replace(proof.statement, outputs=(other,)), proof.argument)
    with begun.connect() as chain:
        with pytest.raises(ChainRejectedError) as caught:
            chain.publish(lie, vk, check=False, keys=store)
        assert caught.value.details["reason"] == "ProofRefused"
        assert list(chain.published()) == []
        with pytest.raises(verifai.VerificationError, match="check 7"):
            chain.publish(lie, vk, keys=store)


def test_a_receipt_says_which_proof_is_on_record(begun, keys, store) -> None:
    """Of a statement on record by another proof, not checked here, it is not taken for this one."""
    pk, vk, x = keys
    proof = verifai.prove(pk, x[0])
    damaged = verifai.Proof.of(proof.statement, bytes(proof.argument)[:-1] + b"\0")
    assert damaged.digest != proof.digest
    with begun.connect() as chain:
        first = chain.publish(proof, vk, keys=store)
        told = chain.publish(damaged, vk, check=False, keys=store)
        assert (told.bundle_digest, told.transaction_hash) == (proof.digest, first.transaction_hash)
        assert first.is_of(proof)
        assert told.is_of(proof)
        assert not told.is_of(damaged)
        with pytest.raises(verifai.VerificationError):
            chain.publish(damaged, vk, keys=store)


def test_an_event_that_names_another_key_than_its_circuits_table(begun, keys, store) -> None:
    """The node's word on the key is checked with the table that the circuit's name vouches for."""
    _, vk, _ = keys
    other_pk, other_vk, y = made(2)
    with begun.connect() as chain:
        chain.publish(verifai.prove(other_pk, y[0]), other_vk, keys=store)
        (record,) = chain.published()
        told = replace(record, key_digest=circuit_table(vk, 1)[:32].hex())
        store.add(vk)
        chain.published = lambda: iter([told])  # type: ignore[method-assign]
        (entry,) = verifai.audit.run(chain, keys=store).entries
    assert entry.verdict == "unchecked"
    assert "another one in the circuit's table" in entry.reason


def test_a_key_that_nobody_has_leaves_a_record_unchecked(begun, keys, tmp_path) -> None:
    pk, vk, x = keys
    with begun.connect() as chain:
        chain.publish(verifai.prove(pk, x[0]), vk, keys=verifai.KeyStore(tmp_path / "mine"))
        empty = verifai.KeyStore(tmp_path)
        (entry,) = verifai.audit.run(chain, keys=empty).entries
        assert entry.verdict == "unchecked"
        assert verifai.audit.run(chain, keys=[vk]).entries[0].verdict == "verified"


def test_what_a_chain_cannot_tell_is_refused(keys, store) -> None:
    pk, vk, x = keys
    with connect() as chain:
        with pytest.raises(UnsupportedError, match="batch of one"):
            chain.publish(verifai.prove(pk, x[:1], batch=True), vk, keys=store)
        assert chain.registries == ()


def test_a_proof_and_its_key_in_the_wrong_order(keys) -> None:
    pk, vk, x = keys
    proof = verifai.prove(pk, x[0])
    with connect() as chain:
        for call in (chain.publish, chain.estimate):
            with pytest.raises(UsageError, match="not VerifyingKey and Proof"):
                call(vk, proof)


@pytest.fixture(scope="module")
def hidden() -> Any:
    return made(3, visibility=verifai.Visibility("committed", "committed"))


def test_committed_tensors_are_published(begun, hidden, store) -> None:
    """With their commitments, once for each; audited; linked to what was committed before."""
    pk, vk, x = hidden
    opening = verifai.commit(vk, x[0])[vk.inputs[0].name]
    first, other = verifai.prove(pk, opening), verifai.prove(pk, x[0])
    assert first.statement.input.commitment == verifai.commitment(opening)
    assert first.statement.input.commitment != other.statement.input.commitment
    with begun.connect() as chain:
        receipt = chain.publish(first, vk, keys=store)
        chain.publish(other, vk, keys=store)
        again = chain.publish(first, vk, keys=store)
        assert again == replace(receipt, deployed_gas=0)
        records = list(chain.published())
        found = [chain.bundle(record, vk).statement for record in records]
        assert found == [first.statement, other.statement]
        report = verifai.audit.run(chain, keys=store)
    assert [entry.verdict for entry in report.entries] == ["verified", "verified"]


def test_a_commitment_that_a_proof_does_not_show_is_refused(hidden, store) -> None:
    pk, vk, x = hidden
    first, other = verifai.prove(pk, x[0]), verifai.prove(pk, x[1])
    lie = verifai.Proof.of(other.statement, first.argument)
    with connect() as chain, pytest.raises(verifai.VerificationError, match="check 7"):
        chain.publish(lie, vk, keys=store)


def test_a_job_about_a_committed_input(begun, hidden) -> None:
    """Paid against a proof about the input that was committed to, which no one else sees."""
    from eth_account import Account

    pk, vk, x = hidden
    opening = verifai.commit(vk, x[0])[vk.inputs[0].name]
    other = verifai.commit(vk, x[0])[vk.inputs[0].name]
    digest = bytes.fromhex(verifai.commitment(opening))
    with begun.connect() as chain:
        contracts, circuit = chain.deploy(), chain.register_circuit(vk)
        accounts = [Account.create() for _ in range(2)]
        for account in accounts:
            chain.send_coins(account.address, 10**18)
        client, provider = (Market(chain.signed_by(a), contracts.market) for a in accounts)
        provider.register_provider("https://provider.example", deposit=1000)
        assert input_words(vk, opening) == b""
        terms = client.terms(circuit, b"", budget=100, collateral=10, linked=(digest,))
        number = client.post(terms, b"ask me for the opening").job
        job = provider.job(number)
        client.lease(job, provider.bid(job, 60, 3600))
        job = provider.job(number)
        provider.check_input(job, vk, opening)
        with pytest.raises(UsageError, match="not those of job"):
            provider.check_input(job, vk, other)
        with pytest.raises(UsageError, match="without openings"):
            provider.check_input(job, vk, x[0])
        with pytest.raises(UsageError, match="not those of job"):
            provider.prove_and_claim(job, pk, other)
        # the market decides, whatever a client of it checks
        cheat = verifai.prove(pk, other, context=provider.context(job))
        with pytest.raises(ChainRejectedError, match="another input"):
            provider.claim(job, cheat, vk)
        proof, _ = provider.prove_and_claim(job, pk, opening)
        assert provider.owed() == 60
        (told,) = provider.proofs(vk)
        assert told.proof is not None
        assert told.proof.statement == proof.statement


def test_what_cannot_be_committed(hidden, keys) -> None:
    _, vk, x = hidden
    with pytest.raises(UsageError, match="no committed inputs"):
        verifai.commit(keys[1], x[0])
    with pytest.raises(InputError, match="cannot"):
        verifai.commit(vk, x[0] + 1e6)
    with pytest.raises(InputError):
        verifai.commit(vk, x[0] * np.nan)
    with pytest.raises(InputError):
        verifai.commit(vk, x[0][:, :3])


def test_a_registry_is_named_by_its_address(keys, store) -> None:
    pk, vk, x = keys
    with connect() as chain:
        receipt = chain.publish(verifai.prove(pk, x[0]), vk, keys=store)
        assert chain.registries == (receipt.contract,)
        assert router_of(chain.connection.sender, receipt.contract) is not None
        assert router_of(chain.connection.sender, receipt.verifier) is None
        assert router_of(chain.connection.sender, "0x" + "11" * 20) is None
        contracts = chain.deploy()
        assert contracts.registry == receipt.contract
        assert contracts.gas_used == 0
        assert chain.register_circuit(vk) == circuit_id(circuit_table(vk, 1))


def test_the_journal_keeps_it(keys, store, tmp_path) -> None:
    pk, vk, x = keys
    with connect(journal=tmp_path / "chain") as chain:
        receipt = chain.publish(verifai.prove(pk, x[0]), vk, keys=store)
    with connect(journal=tmp_path / "chain", registry=receipt.contract) as chain:
        assert len(list(chain.published())) == 1
        chain.publish(verifai.prove(pk, x[1]), vk, keys=store)
        assert len(list(chain.published())) == 2
    with pytest.raises(UsageError, match="no ProofRegistry"):
        connect(registry=receipt.contract)


def test_publications_are_watched(begun, keys, store) -> None:
    pk, vk, x = keys
    with begun.connect() as chain:
        receipt = chain.publish(verifai.prove(pk, x[0]), vk, keys=store)
        (seen,) = list(chain.watch(once=True))
        assert (seen.kind, seen.transaction_hash) == ("new", receipt.transaction_hash)
        assert chain.record(seen) == next(iter(chain.published()))


@pytest.mark.slow
def test_the_story_of_a_job_market_on_a_node(start_anvil) -> None:
    """Example 04; on the embedded chain the documentation's tests run it."""
    from importlib import util
    from pathlib import Path

    path = Path(__file__).parents[2] / "examples" / "04_job_market.py"
    spec = util.spec_from_file_location("story", path)
    assert spec is not None
    assert spec.loader is not None
    story = util.module_from_spec(spec)
    spec.loader.exec_module(story)
    local = start_anvil("--chain-id", "31337")  # elsewhere no development reference string is valid
    story.main(local.url)


def test_development_proofs_are_refused_before_they_cost(keys, store, monkeypatch) -> None:
    pk, vk, x = keys
    proof = verifai.prove(pk, x[0])
    monkeypatch.setattr("verifai.chain.native.prepared.LOCAL_CHAINS", ())
    with connect() as chain:
        for refused in (
            lambda: chain.publish(proof, vk, keys=store),
            lambda: chain.estimate(proof, vk),
            lambda: chain.register_circuit(vk),
        ):
            with pytest.raises(UnsupportedError, match="development") as caught:
                refused()
            assert "--srs" in caught.value.hint
        assert chain.web3.eth.block_number == 0


def test_a_circuit_is_of_a_whole_number_of_inferences(keys) -> None:
    with connect() as chain:
        for batch in (0, -1, 1.5):
            with pytest.raises(UsageError, match="batch"):
                chain.register_circuit(keys[1], batch)
        assert chain.web3.eth.block_number == 0


def test_who_only_reads_finds_what_this_machine_published(start_anvil, keys, store) -> None:
    from eth_account import Account

    pk, vk, x = keys
    node = start_anvil("--chain-id", "31337")
    with connect(node.url) as chain:
        mine = chain.deploy().registry
    with connect(node.url, read_only=True) as reader:
        assert reader.registries == (mine,)
        assert list(reader.watch(once=True)) == []
    other = Account.create()
    with connect(node.url) as chain:
        chain.send_coins(other.address, 10**18)
    # in a registry that somebody else owns
    with connect(node.url, signer=other, registry=mine) as chain:
        receipt = chain.publish(verifai.prove(pk, x[0]), vk, keys=store)
    with connect(node.url, read_only=True) as reader:
        (record,) = reader.published()
        assert record.transaction_hash == receipt.transaction_hash
        assert verifai.audit.run(reader, keys=store).verdict == "verified"
        assert [seen.transaction_hash for seen in reader.watch(once=True)] == [
            receipt.transaction_hash
        ]


def test_a_revocation_leaves_the_history_readable(begun, keys, store) -> None:
    pk, vk, x = keys
    with begun.connect() as chain:
        chain.publish(verifai.prove(pk, x[0]), vk, keys=store)
        revoke = interface("VerifierRouter").call("revoke", native_system())
        chain.transact(chain.deploy().router, revoke, "revoking")
        with pytest.raises(NetworkError, match="SystemRevoked"):
            chain.publish(verifai.prove(pk, x[1]), vk, keys=store)
        assert verifai.audit.run(chain, keys=store).verdict == "verified"


def test_a_journal_shows_every_owners_registry(keys, store, tmp_path) -> None:
    from eth_account import Account

    pk, vk, x = keys
    other = Account.create()
    with connect(journal=tmp_path / "chain") as chain:
        chain.send_coins(other.address, 10**18)
    with connect(journal=tmp_path / "chain", signer=other) as chain:
        receipt = chain.publish(verifai.prove(pk, x[0]), vk, keys=store)
    with connect(journal=tmp_path / "chain", read_only=True) as reader:
        assert reader.registries == (receipt.contract,)
        assert verifai.audit.run(reader, keys=store).verdict == "verified"
