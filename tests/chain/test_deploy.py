"""The contract set: the same addresses everywhere, found again, nothing deployed twice."""

from __future__ import annotations

import re

import pytest

from tests.needs import skip_without
from verifai.chain import Chain, connect
from verifai.chain.deploy import (
    LOCAL_CHAINS,
    PROXY,
    PROXY_CODE,
    PROXY_SENDER,
    PROXY_TRANSACTION,
    deploy,
    system_id,
)
from verifai.chain.native.system import NATIVE_SYSTEM
from verifai.chain.shipped import interface
from verifai.contracts.build import CONTRACTS
from verifai.errors import UnsupportedError, UsageError
from verifai.evm import abi
from verifai.evm.interface import Interface
from verifai.market import Market
from verifai.market.jobs import Bid

skip_without("eth_tester")

#: PUSH1 1 PUSH0 MSTORE8 PUSH1 1 PUSH0 RETURN: a contract whose code is one byte.
CREATION = bytes.fromhex("60015f5360015ff3")


@pytest.fixture
def chain():
    with connect() as chain:
        yield chain


def ask(chain: Chain, contract: str, address: str, function: str, *arguments):
    here = interface(contract)
    return here.result(
        function, chain.connection.sender.ask(address, here.call(function, *arguments), function)
    )


def test_everything_stands_and_is_connected(chain):
    contracts = deploy(chain.connection.sender, {"verifai-native-2": CREATION})
    assert [step.name for step in contracts.steps] == [
        "proxy",
        "verifai-native-2",
        "VerifierRouter",
        "NativeProofRegistry",
        "ModelRegistry",
        "JobMarket",
    ]
    assert all(step.transaction_hash and step.gas_used for step in contracts.steps)
    assert contracts.gas_used == sum(step.gas_used for step in contracts.steps)
    (verifier,) = ask(
        chain,
        "VerifierRouter",
        contracts.router,
        "verifierOf",
        abi.keccak(b"verifai-native-2")[:4],
    )
    assert verifier == contracts.verifiers["verifai-native-2"]
    (owner,) = ask(chain, "VerifierRouter", contracts.router, "owner")
    assert owner == chain.connection.sender.address
    for name, address in (
        ("NativeProofRegistry", contracts.registry),
        ("JobMarket", contracts.market),
    ):
        assert ask(chain, name, address, "ROUTER") == (contracts.router,)
    assert ask(chain, "JobMarket", contracts.market, "MODELS") == (contracts.models,)


def test_a_second_call_finds_the_first_ones_contracts(chain):
    first = deploy(chain.connection.sender, {"a-v1": CREATION})
    before = chain.web3.eth.block_number
    again = deploy(chain.connection.sender, {"a-v1": CREATION})
    assert chain.web3.eth.block_number == before
    assert [(step.transaction_hash, step.gas_used) for step in again.steps] == [(None, 0)] * 5
    assert (again.router, again.market) == (first.router, first.market)


def test_addresses_are_the_same_on_every_chain(chain, node):
    here = deploy(chain.connection.sender, {"a-v1": CREATION}, owner="0x" + "11" * 20)
    with connect(node.url) as other:
        there = deploy(other.connection.sender, {"a-v1": CREATION}, owner="0x" + "11" * 20)
        assert (there.router, there.registry, there.models, there.market) == (
            here.router,
            here.registry,
            here.models,
            here.market,
        )
        assert there.verifiers == here.verifiers
    assert (
        deploy(chain.connection.sender, {"a-v1": CREATION}, owner="0x" + "22" * 20).market
        != here.market
    )


def test_systems_are_named_as_the_standard_says():
    assert system_id("groth16-bn254-v1").hex() == "0550d137"  # ERC-7992's first example


def test_the_local_chains_are_the_routers():
    source = (CONTRACTS / "VerifierRouter.sol").read_text()
    assert set(map(int, re.findall(r"block\.chainid == (\d+)", source))) == set(LOCAL_CHAINS)


def test_the_proxys_transaction_is_the_one_that_everybody_uses():
    from eth_account import Account
    from eth_utils import keccak
    from rlp import encode

    assert Account.recover_transaction(PROXY_TRANSACTION) == PROXY_SENDER
    created = keccak(encode([bytes.fromhex(PROXY_SENDER[2:]), b""]))[12:]
    assert "0x" + created.hex() == PROXY.lower()
    assert PROXY_CODE in PROXY_TRANSACTION


def test_the_embedded_chain_keeps_the_contracts(tmp_path):
    with connect(journal=tmp_path / "chain.jsonl") as chain:
        first = deploy(chain.connection.sender, {"a-v1": CREATION})
    with connect(journal=tmp_path / "chain.jsonl") as chain:
        again = deploy(chain.connection.sender, {"a-v1": CREATION})
    assert again.market == first.market
    assert again.gas_used == 0


def test_what_cannot_be_deployed(chain, monkeypatch):
    with pytest.raises(UsageError, match=r"VerifierRouter .* DelayTooShort\(60\)"):
        deploy(
            chain.connection.sender, {"a-v1": CREATION}, delay=60
        )  # below the contract's minimum
    monkeypatch.setattr("verifai.chain.deploy.LOCAL_CHAINS", ())
    with connect() as other, pytest.raises(UnsupportedError, match="proxy"):
        deploy(other.connection.sender, {})


def test_a_nodes_account_signs_bids(node):
    """The signature that a node makes for an account of its own is one that the contract takes."""
    from eth_account import Account
    from eth_account.messages import encode_typed_data

    with connect(node.url) as chain:
        contracts = deploy(chain.connection.sender, {NATIVE_SYSTEM: CREATION})
        market = Market(chain, contracts.market, verifier=contracts.verifiers[NATIVE_SYSTEM])
        bid = Bid(1 << 255, market.account, 5, 1 << 39, b"")
        typed = bid.typed(market.chain_number, market.address)
        signature = chain.connection.sender.sign_typed(typed)
        signed = encode_typed_data(full_message=typed)
        assert Account.recover_message(signed, signature=signature) == market.account
        (digest,) = ask(
            chain,
            "JobMarket",
            contracts.market,
            "bidDigest",
            (bid.job, bid.provider, bid.price, bid.expiry),
        )
        assert digest == abi.keccak(b"\x19\x01" + signed.header + signed.body)


@pytest.mark.parametrize("wrong", [-1, 1.5, 1 << 256, "1", None])
def test_arguments_that_a_contract_cannot_take(wrong):
    with pytest.raises(UsageError, match="Argument 1 of withdrawCollateral is a uint128"):
        interface("JobMarket").call("withdrawCollateral", wrong)
    with pytest.raises(UsageError, match="takes 1 arguments, not 0"):
        interface("JobMarket").call("withdrawCollateral")
    with pytest.raises(UsageError, match="Argument 2 of VerifierRouter is a uint64"):
        interface("VerifierRouter").deployment("0x" + "12" * 20, wrong, [], [])


def test_an_interface_written_by_hand_is_that_of_the_artefact() -> None:
    shipped = interface("JobMarket")
    written = Interface.written(
        "JobMarket", "bidDigest((uint256,address,uint128,uint40)) returns (bytes32)", "count()"
    )
    bid = (1, "0x" + "12" * 20, 3, 4)
    assert written.call("bidDigest", bid) == shipped.call("bidDigest", bid)
    assert written.call("count") == shipped.call("count")
    assert written.result("bidDigest", bytes(32)) == (bytes(32),)
    assert written.result("count", b"") == ()
