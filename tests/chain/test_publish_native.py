"""Native proofs: published, found again, audited; what is not what it says it is found out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("eth_tester")
pytest.importorskip("verifai._native", reason="the proving core is not built")
pytest.importorskip("torch")

import verifai
from verifai.chain import connect
from verifai.chain.native import circuit_id
from verifai.chain.native.publication import circuit_table, router_of
from verifai.errors import ChainRejected, UnsupportedError, UsageError


def made(seed: int, **options: Any) -> Any:
    import torch

    torch.manual_seed(seed)
    module = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.ReLU(), torch.nn.Linear(5, 2))
    x = np.random.default_rng(seed).random((8, 1, 6), dtype=np.float32)
    model = verifai.export(module, (torch.from_numpy(x[0]),))
    return *verifai.setup(verifai.compile(model, x, **options)), x


@pytest.fixture(scope="module")
def keys() -> Any:
    return made(1)


@pytest.fixture
def store(tmp_path) -> verifai.KeyStore:
    return verifai.KeyStore(tmp_path / "keys")


def test_published_once_found_and_verified(keys, store) -> None:
    pk, vk, x = keys
    context = {"job": 7, "payee": "me"}
    one, many = verifai.prove(pk, x[0], context=context), verifai.prove(pk, x[:3])
    with connect() as chain:
        first = chain.publish(one, vk, keys=store)
        second = chain.publish(many, vk, keys=store)
        assert first.deployed_gas > 1_000_000 > second.deployed_gas > 0  # a circuit of its own
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
        report = verifai.audit.run(chain, keys=store)
    assert [entry.verdict for entry in report.entries] == ["verified", "verified"]


def test_a_lie_is_refused_by_the_contract(keys, store) -> None:
    pk, vk, x = keys
    proof = verifai.prove(pk, x[0])
    claim = proof.statement.output
    other = replace(claim, integers=(claim.integers[0] + 1, *claim.integers[1:]))
    lie = verifai.Proof.of(replace(proof.statement, outputs=(other,)), proof.argument)
    with connect() as chain:
        with pytest.raises(ChainRejected) as caught:
            chain.publish(lie, vk, check=False, keys=store)
        assert caught.value.details["reason"] == "ProofRefused"
        assert list(chain.published()) == []
        with pytest.raises(verifai.VerificationError, match="check 7"):
            chain.publish(lie, vk, keys=store)


def test_another_keys_table_under_this_keys_digest_is_found_out(keys, store) -> None:
    """Anyone may register a table that names a key: an audit makes the circuit again."""
    _, vk, _ = keys
    other_pk, other_vk, y = made(2)
    table = bytearray(circuit_table(other_vk, 1))
    assert table[:32] != circuit_table(vk, 1)[:32]
    with connect() as chain:
        chain.publish(verifai.prove(other_pk, y[0]), other_vk, keys=store)
        (record,) = chain.published()
        told = replace(record, key_digest=circuit_table(vk, 1)[:32].hex())
        store.add(vk)
        chain.published = lambda: iter([told])  # type: ignore[method-assign]
        (entry,) = verifai.audit.run(chain, keys=store).entries
    assert entry.verdict == "false"


def test_a_key_that_nobody_has_leaves_a_record_unchecked(keys, tmp_path) -> None:
    pk, vk, x = keys
    with connect() as chain:
        chain.publish(verifai.prove(pk, x[0]), vk, keys=verifai.KeyStore(tmp_path / "mine"))
        empty = verifai.KeyStore(tmp_path / "theirs")
        (entry,) = verifai.audit.run(chain, keys=empty).entries
        assert entry.verdict == "unchecked"
        assert verifai.audit.run(chain, keys=[vk]).entries[0].verdict == "verified"


def test_what_a_chain_cannot_tell_is_refused(keys, store) -> None:
    pk, vk, x = keys
    with connect() as chain:
        with pytest.raises(UnsupportedError, match="batch of one"):
            chain.publish(verifai.prove(pk, x[:1]), vk, keys=store)
        hidden = verifai.Visibility("committed", "public")
        other_pk, other_vk, y = made(3, visibility=hidden)
        with pytest.raises(UnsupportedError, match="commitments"):
            chain.publish(verifai.prove(other_pk, y[0]), other_vk, keys=store)
        assert chain.registries == ()


def test_a_registry_is_named_by_its_address(keys, store) -> None:
    pk, vk, x = keys
    with connect() as chain:
        receipt = chain.publish(verifai.prove(pk, x[0]), vk, keys=store)
        assert chain.registries == (receipt.contract,)
        assert router_of(chain._sender, receipt.contract) is not None
        assert router_of(chain._sender, receipt.verifier) is None
        assert router_of(chain._sender, "0x" + "11" * 20) is None
        contracts = chain.deploy()
        assert contracts.registry == receipt.contract
        assert contracts.gas_used == 0
        assert chain.register(vk) == circuit_id(circuit_table(vk, 1))


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


def test_publications_are_watched(keys, store) -> None:
    pk, vk, x = keys
    with connect() as chain:
        receipt = chain.publish(verifai.prove(pk, x[0]), vk, keys=store)
        (seen,) = list(chain.watch(once=True))
        assert (seen.kind, seen.transaction_hash) == ("new", receipt.transaction_hash)
        assert chain.record(seen) == next(iter(chain.published()))


@pytest.mark.slow
def test_the_story_of_a_job_market_on_a_node(anvil: str) -> None:
    """Example 04; on the embedded chain the documentation's tests run it."""
    from importlib import util
    from pathlib import Path

    path = Path(__file__).parents[2] / "examples" / "04_job_market.py"
    spec = util.spec_from_file_location("story", path)
    assert spec is not None
    assert spec.loader is not None
    story = util.module_from_spec(spec)
    spec.loader.exec_module(story)
    story.main(anvil)
