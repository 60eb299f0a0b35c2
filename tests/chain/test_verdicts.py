"""What a revert means: "checked, and false" only of a proof that is false; limits come first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

pytest.importorskip("verifai._native", reason="the proving core is not built")

import verifai
from tests.chain.node import Faulty, rich
from tests.needs import skip_without
from verifai.chain import Chain, Terms, connect
from verifai.chain.native.system import NATIVE_SYSTEM
from verifai.chain.requirements import CANCUN_PROBE
from verifai.chain.shipped import interface
from verifai.chain.standards import eas, erc8004
from verifai.chain.verdict import verdict
from verifai.errors import (
    ChainRejectedError,
    LimitError,
    NetworkError,
    UnsupportedError,
    VerifaiError,
    VerificationError,
)
from verifai.evm import abi
from verifai.evm.node import faults
from verifai.evm.node.faults import RevertedError
from verifai.evm.transactions.bounds import CREATION_BYTES, TRANSACTION_BYTES
from verifai.market import Market
from verifai.market.models import Models, Role, Share

skip_without("eth_tester", "torch")

CONTRACTS = ("NativeProofRegistry", "VerifierRouter", "NativeVerifier")
LOCAL = ("--chain-id", "31337")
TERMS = Terms(patience_seconds=20)
#: Creation code of a contract that reverts without a word, whatever it is asked.
SILENT = bytes.fromhex("625f5ffd5f526003601df3")
#: How Python writes a tuple, a dictionary or bytes.
STRUCTURE = re.compile(r"""\(b?['"][^)]*['"],|\{['"]|\bb['"]""")


@pytest.fixture(scope="module")
def keys() -> Any:
    import torch

    torch.manual_seed(1)
    module = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.ReLU(), torch.nn.Linear(5, 2))
    x = np.random.default_rng(1).random((8, 1, 6), dtype=np.float32)
    pk, vk = verifai.setup(verifai.compile(verifai.export(module, (torch.from_numpy(x[0]),)), x))
    return vk, verifai.prove(pk, x[0]), verifai.prove(pk, x[1])


@pytest.fixture
def store(tmp_path) -> verifai.KeyStore:
    return verifai.KeyStore(tmp_path / "keys")


def opened(node: Any) -> Chain:
    return connect(node.url, signer=rich(), terms=TERMS)


def error(signature: str, *values: Any) -> bytes:
    types = [kind for kind in signature.partition("(")[2].rstrip(")").split(",") if kind]
    return abi.selector(signature) + abi.encode(types, values)


def holds() -> None:
    """An offline verification that accepts."""


def fails() -> None:
    raise VerificationError("no", check=7)


def cannot() -> None:
    raise LimitError("too large for the verifier here")


def step() -> bytes:
    return error("ProofRefused(bytes32)", b"opening pairing".ljust(32, b"\0"))


#: What makes the revert data, what the verifier here says (None: it accepted before anything was
#: sent), the class.
MEANINGS = [
    (lambda: b"", holds, NetworkError),
    (lambda: b"", fails, NetworkError),
    (lambda: b"\x01\x02", fails, NetworkError),
    (lambda: error("Error(string)", "no"), fails, NetworkError),
    (lambda: error("Panic(uint256)", 0x11), fails, NetworkError),
    (lambda: error("SomebodyElses(uint256)", 1), fails, NetworkError),
    (lambda: step()[:-1], fails, NetworkError),
    (step, fails, ChainRejectedError),
    (step, holds, NetworkError),
    (step, None, NetworkError),
    (step, cannot, NetworkError),
    (lambda: error("AlreadyPublished(bytes32)", bytes(32)), fails, UnsupportedError),
    (lambda: error("UnknownCircuit(bytes32)", bytes(32)), fails, UnsupportedError),
    (lambda: error("SystemRevoked(bytes4)", bytes(4)), fails, UnsupportedError),
    (lambda: error("SystemNotActive(bytes4,uint64)", bytes(4), 7), fails, UnsupportedError),
    (lambda: error("DevelopmentSrs(bytes32)", bytes(32)), fails, UnsupportedError),
]


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    with connect() as chain:
        yield chain


@pytest.mark.parametrize(("data", "confirm", "kind"), MEANINGS, ids=range(len(MEANINGS)))
def test_only_a_false_proof_is_called_false(
    chain: Chain,
    data: Callable[[], bytes],
    confirm: Callable[[], None] | None,
    kind: type[VerifaiError],
) -> None:
    found = verdict(
        chain.connection.sender, RevertedError(data()), "publishing", CONTRACTS, confirm
    )
    assert type(found) is kind
    assert (found.exit_code == 1) == (kind is ChainRejectedError)
    assert not STRUCTURE.search(str(found))


def test_a_block_that_is_too_small_for_a_proof(start_anvil, keys, store) -> None:
    """Where it is enough for a part of the verification, the contract says what it says of a false
    proof, or nothing. None of these is a verdict, whether the node says it at once or not."""
    vk, first, proof = keys
    lie = verifai.Proof.of(proof.statement, first.argument)
    node = start_anvil(*LOCAL)
    with opened(node) as chain:
        chain.publish(first, vk, keys=store)
        height = node.web3.eth.block_number
        honest, provider = chain.web3.provider, Faulty(chain.web3.provider, {})

        def only_its_blocks(method: str, parameters: Any) -> None:
            """As nodes that estimate with a block's gas, whatever they are allowed."""
            if method == "eth_estimateGas":
                parameters[0].pop("gas", None)

        provider.before = only_its_blocks
        seen = set()
        for gas, act in (
            (100_000, chain.estimate),  # too little to begin
            (300_000, chain.publish),  # it ends in the middle, without a word
            (500_000, chain.estimate),  # in the pairing, and the contract says that it is false
            (550_000, chain.publish),
        ):
            node.ask("evm_setBlockGasLimit", hex(gas))
            node.mine()
            height += 1
            for how in (honest, provider):
                chain.web3.provider = how
                with pytest.raises((UnsupportedError, NetworkError)) as caught:
                    act(proof, vk)
                seen.add(type(caught.value))
                if how is honest:
                    assert f"holds {gas:,}" in caught.value.message
        chain.web3.provider = honest
        assert len(seen) == 2
        assert node.web3.eth.block_number == height
        node.ask("evm_setBlockGasLimit", hex(600_000))  # less than the margin above the estimate
        node.mine()
        with pytest.raises(ChainRejectedError, match="check 7"):
            chain.publish(lie, vk, check=False, keys=store)
        assert chain.publish(proof, vk, keys=store).gas_used < 600_000


@pytest.mark.parametrize("fork", ["paris", "shanghai"])
def test_a_chain_without_the_contracts_instructions(start_anvil, keys, store, fork) -> None:
    vk, proof, _ = keys
    node = start_anvil(*LOCAL, "--hardfork", fork)
    with opened(node) as chain:
        for act in (
            lambda: chain.estimate(proof, vk),
            lambda: chain.publish(proof, vk, keys=store),
            lambda: chain.register_circuit(vk),
            chain.deploy,
        ):
            with pytest.raises(UnsupportedError, match="Cancun upgrade"):
                act()
        assert node.web3.eth.block_number == 0
        assert chain.unfinished() == ()


@pytest.mark.parametrize("gas", [200_000, 5_000_000])
def test_a_chain_that_cannot_hold_the_contracts(start_anvil, keys, store, gas) -> None:
    vk, proof, _ = keys
    node = start_anvil(*LOCAL, "--gas-limit", str(gas))
    with opened(node) as chain:
        for act in (
            lambda: chain.estimate(proof, vk),
            lambda: chain.publish(proof, vk, keys=store),
            lambda: chain.register_circuit(vk),
            chain.deploy,
        ):
            with pytest.raises(UnsupportedError, match=f"a block .* holds {gas:,}") as caught:
                act()
            assert "Deploying" in caught.value.message
        assert node.web3.eth.block_number == 0


def instructions(code: bytes) -> set[int]:
    found, at = set(), 0
    while at < len(code):
        found.add(code[at])
        at += 1 + (code[at] - 0x5F if 0x60 <= code[at] <= 0x7F else 0)
    return found


def test_the_probe_is_of_what_the_contracts_hold() -> None:
    """PUSH0, MCOPY, TLOAD, TSTORE; no instruction that is newer, nor one that is not asked for."""
    newer = {0x5F, 0x5E, 0x5C, 0x5D, 0x49, 0x4A, 0x1E}  # and BLOBHASH, BLOBBASEFEE, CLZ
    names = ("NativeVerifier", "VerifierRouter", "NativeProofRegistry", "ModelRegistry")
    shipped = set().union(
        *(instructions(interface(name).creation) for name in (*names, "JobMarket"))
    )
    assert shipped & newer == instructions(CANCUN_PROBE) & newer == {0x5F, 0x5E, 0x5C, 0x5D}
    assert not instructions(interface("ProofRegistry").creation) & newer


def test_sizes_are_compared_before_a_node_is_asked(monkeypatch) -> None:
    def asked(*arguments: Any) -> None:
        raise AssertionError("the node was asked")

    with connect() as chain:
        monkeypatch.setattr(chain.web3.eth, "estimate_gas", asked)
        for to, data, message in (
            (chain.connection.sender.address, bytes(TRANSACTION_BYTES), "nodes pass on"),
            (None, bytes(CREATION_BYTES + 1), "EIP-3860"),
        ):
            with pytest.raises(UnsupportedError, match=message):
                chain.transact(to, data, "a test")


def silent(chain: Chain) -> str:
    return str(chain.transact(None, SILENT, "a contract")["contractAddress"])


def test_a_contract_that_says_nothing_gives_no_verdict(keys, monkeypatch) -> None:
    """In every client of a contract: shipped ones and others'."""
    vk = keys[0]
    with connect() as chain:
        share = Share(str(chain.connection.sender.address), 10_000, Role.MODEL)
        at = silent(chain)
        contracts = chain.deploy()
        market = Market(chain, contracts.market)
        acts: list[Callable[[], object]] = [
            lambda: Models(chain, at).register_model(vk, [share]),
            lambda: eas.register_schema(chain, at),
            lambda: erc8004.status(chain, at, "0x" + "11" * 32),
        ]
        for act in acts:
            with pytest.raises(NetworkError, match="without an error") as caught:
                act()
            assert "reverted on" in caught.value.message

        def reverts(*arguments: Any, **options: Any) -> None:
            raise RevertedError(b"")

        words = market.terms(bytes(32), b"", budget=1, collateral=1)
        monkeypatch.setattr(chain.connection.sender, "send", reverts)
        for act in (lambda: market.post(words, b""), lambda: market.withdraw()):
            with pytest.raises(NetworkError, match="without an error"):
                act()
        for act in (
            lambda: chain.register_circuit(vk),
            lambda: chain.connection.ensure("", b"", "a contract"),
        ):
            with pytest.raises(NetworkError, match="without an error"):
                act()


def test_a_refused_table_names_its_rule(keys, monkeypatch) -> None:
    vk, _, _ = keys
    monkeypatch.setattr(
        "verifai.chain.native.circuits.circuit_table", lambda *_: bytes(200), raising=True
    )
    with connect() as chain, pytest.raises(UnsupportedError) as caught:
        chain.register_circuit(vk)
    assert "TableRefused(" in caught.value.message
    assert "'" not in caught.value.message


def test_a_precompile_that_is_missing_is_named() -> None:
    """Creation code that reverts as the verifier's constructor does, before the proxy is paid."""
    data = error("PrecompileMissing(uint256)", 8)
    # PUSH32 the first word, PUSH0, MSTORE, PUSH4 the last bytes, PUSH1 32, MSTORE..., REVERT
    code = b"\x7f" + data[:32] + b"\x5f\x52\x7f" + data[32:].ljust(32, b"\0")
    code += bytes.fromhex("60205260245ffd") + bytes(20_000)
    with connect() as chain:
        from verifai.chain.deploy import deploy

        with pytest.raises(UnsupportedError, match="lacks precompile 8"):
            deploy(chain.connection.sender, {NATIVE_SYSTEM: code})
        assert chain.web3.eth.block_number == 0


TOLD: dict[str, Any] = {"code": -32000, "message": "some words"}
ANSWER: Any = {"jsonrpc": "2.0", "id": 1, "error": TOLD}
#: Errors by name, given the exceptions of web3 and of eth-tester.
RAISED: dict[str, Callable[[Any, Any], Exception]] = {
    "logic": lambda web3, _: web3.ContractLogicError("some words", data="0x"),
    "custom": lambda web3, _: web3.ContractCustomError("0x01020304", data="0x01020304"),
    "logic with data": lambda web3, _: web3.ContractLogicError(
        "execution reverted: some words", data="0x" + error("Error(string)", "some words").hex()
    ),
    "panic": lambda web3, _: web3.ContractPanicError("Panic error 0x11", data="0x"),
    "answer": lambda web3, _: web3.Web3RPCError(str(TOLD), rpc_response=ANSWER),
    "no answer": lambda web3, _: web3.Web3RPCError("some words"),
    "time": lambda web3, _: web3.TimeExhausted("some words", 7),
    "address": lambda web3, _: web3.InvalidAddress("some words", b"\x01"),
    "failed": lambda _, tester: tester.TransactionFailed("some words"),
    "failed with bytes": lambda _, tester: tester.TransactionFailed(b"\x01\x02"),
    "value": lambda *_: ValueError("some words", {"a": 1}),
    "key": lambda *_: KeyError("some words"),
    "answer without words": lambda web3, _: web3.Web3RPCError(
        "out of gas", rpc_response=ANSWER | {"error": {"code": 1}}
    ),
}


@pytest.mark.parametrize("name", RAISED)
@pytest.mark.parametrize("url", ["embedded", "http://node"])
def test_no_message_shows_what_carries_the_words(name: str, url: str) -> None:
    import eth_tester.exceptions
    import web3.exceptions

    raised = RAISED[name](web3.exceptions, eth_tester.exceptions)
    text = str(faults.translated(raised, "a question", url))
    assert not STRUCTURE.search(text)
    assert "None" not in text
    assert "a question" in text or isinstance(faults.translated(raised, "", url), RevertedError)
