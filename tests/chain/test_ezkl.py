"""The real thing: a torch model's proof, checked by ezkl's contract, on two kinds of chain."""

from __future__ import annotations

from dataclasses import replace

import pytest

import verifai
from verifai.chain import Receipt, connect
from verifai.errors import ChainRejectedError
from verifai.proof import Proof

pytestmark = pytest.mark.slow


@pytest.fixture(params=["embedded", "anvil", "anvil with a key"])
def chain(request, monkeypatch):
    if request.param == "embedded":
        opened = connect()
    elif request.param == "anvil":
        opened = connect(request.getfixturevalue("node").url)
    else:
        url = request.getfixturevalue("node").url
        with connect(url) as funded:
            # A key of our own, funded by the node's account, and a registry of its own.
            monkeypatch.setenv("TEST_SIGNER_KEY", "0x" + "42" * 32)
            opened = connect(url, signer="TEST_SIGNER_KEY")
            web3 = funded.web3
            sent = web3.eth.send_transaction(
                {
                    "from": web3.eth.accounts[0],
                    "to": opened.connection.sender.address,
                    "value": web3.to_wei(1, "ether"),
                }
            )
            web3.eth.wait_for_transaction_receipt(sent, timeout=10)
    with opened:
        yield opened


def test_publish(chain, tiny, tmp_path):
    before = [record.bundle_digest for record in chain.published()]
    proof = verifai.prove(tiny.pk, tiny.inputs)  # fresh randomness: not on any chain yet
    receipt = chain.publish(proof, tiny.vk)
    print(f"\n{chain!r}: {receipt!r}, deployed {receipt.deployed_gas:,}")
    assert 300_000 < receipt.gas_used < 1_500_000
    assert Receipt.load(receipt.save(tmp_path / "receipt.json")) == receipt
    again = chain.publish(proof, tiny.vk)
    assert again == replace(receipt, deployed_gas=0)
    records = list(chain.published())
    assert len(records) == len(before) + 1
    record = records[-1]
    assert record.verifier_code_hash == chain.expected_code_hash(tiny.vk)
    assert record.problem is None

    from verifai.backends import get

    rebuilt = get(tiny.vk.guarantees.backend).from_evm_call(tiny.vk, record.call)
    assert rebuilt.digest == record.bundle_digest == proof.digest


def test_refuse(chain, tiny):
    count = len(list(chain.published()))
    argument = bytearray(tiny.proof.argument)
    argument[-1] ^= 1
    bad = Proof.of(tiny.proof.statement, bytes(argument))
    with pytest.raises(ChainRejectedError) as caught:
        chain.publish(bad, tiny.vk, check=False)
    assert caught.value.check == 8
    # A true proof of another output.
    output = tiny.proof.statement.outputs[0]
    integers = (output.integers[0] + 1, *output.integers[1:])
    statement = replace(tiny.proof.statement, outputs=(replace(output, integers=integers),))
    with pytest.raises(ChainRejectedError):
        chain.publish(Proof.of(statement, tiny.proof.argument), tiny.vk, check=False)
    assert len(list(chain.published())) == count
