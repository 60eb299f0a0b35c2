"""One node and one chain for many tests: none sees what another left."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.chain.embedded import Begun
from tests.chain.node import Anvil, Condition, Shared, rich
from verifai.chain import Chain, connect
from verifai.chain.deployments import default_path
from verifai.evm.transactions.delivery import Delivery

TO = "0x" + "12" * 20
#: Creation code of a contract of one byte.
CREATION = bytes.fromhex("60015f5360015ff3")


@pytest.fixture(scope="module")
def shared() -> Iterator[Shared]:
    # As after twenty minutes of tests: the clock of its chain is behind.
    shared = Shared("--timestamp", str(int(time.time()) - 1200))
    yield shared
    shared.end()


def opened(node: Anvil) -> Chain:
    return connect(node.url, signer=rich())


def leave_blocks(node: Anvil) -> None:
    with opened(node) as chain:
        chain.send_coins(TO, 5)
        kept = chain.transact(None, CREATION, "a contract")
        chain.connection.deployments.add("0x" + "11" * 32, str(kept["contractAddress"]))
        assert default_path().exists()
    node.ask("anvil_reorg", 1, [])
    node.mine(3)


def leave_waiting_transactions(node: Anvil) -> None:
    node.ask("evm_setAutomine", False)
    account = node.web3.eth.accounts[1]
    node.web3.eth.send_transaction({"from": account, "to": TO, "nonce": 0, "gas": 21_000})
    node.web3.eth.send_transaction({"from": account, "to": TO, "nonce": 5, "gas": 21_000})


def leave_other_terms(node: Anvil) -> None:
    node.ask("anvil_setNextBlockBaseFeePerGas", hex(10**12))
    node.ask("evm_setBlockGasLimit", hex(500_000))
    node.ask("evm_increaseTime", 1_000_000)
    node.mine()
    node.ask("anvil_setNextBlockBaseFeePerGas", hex(10**13))


def leave_other_balances(node: Anvil) -> None:
    node.ask("anvil_setBalance", rich().address, "0x1")
    node.ask("anvil_setNonce", rich().address, "0x7")


def leave_an_unfinished_transaction(node: Anvil) -> None:
    class Died(BaseException):
        pass

    def die(*_: object) -> None:
        raise Died

    with opened(node) as chain, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Delivery, "deliver", die)
        with pytest.raises(Died):
            chain.send_coins(TO, 5)
    with opened(node) as chain:
        assert chain.unfinished()


LEFT = [
    leave_blocks,
    leave_waiting_transactions,
    leave_other_terms,
    leave_other_balances,
    leave_an_unfinished_transaction,
]


@pytest.mark.parametrize("leave", LEFT, ids=lambda leave: leave.__name__)
def test_a_shared_node_is_as_it_was(shared, leave):
    node = shared.lend()
    before, genesis = Condition.of(node), node.web3.eth.get_block(0)["hash"]
    leave(node)
    again = shared.lend()
    assert again is node
    assert Condition.of(again) == before
    assert again.web3.eth.get_block(0)["hash"] == genesis
    assert not default_path().exists()
    with opened(again) as chain:
        assert chain.unfinished() == ()
        mined = chain.connection.sender.send(TO, b"", "test", value=7)
        block = again.web3.eth.get_block(mined["blockNumber"])
        assert (block["number"], block["baseFeePerGas"]) == (1, int(before.next_block[0], 16))
        assert abs(block["timestamp"] - time.time()) < 60
        assert again.web3.eth.get_balance(chain.web3.to_checksum_address(TO)) == 7


def test_a_node_that_a_test_ended_is_replaced(shared):
    node = shared.lend()
    before = Condition.of(node)
    node.kill()
    other = shared.lend()
    assert other is not node
    assert Condition.of(other).rich == before.rich


def test_a_node_that_cannot_go_back_is_said_and_replaced(shared):
    node = shared.lend()
    node.ask("evm_revert", shared._snapshot)
    with pytest.raises(AssertionError, match="no snapshot"):
        shared.lend()
    assert shared.lend() is not node


def test_copies_of_a_chain_go_their_own_ways():
    with connect() as chain:
        made = chain.transact(None, CREATION, "a contract")["contractAddress"]
        begun = Begun(chain)
        chain.send_coins(TO, 1)
    with begun.connect() as one, begun.connect() as two:
        for copy in (one, two):
            assert copy.web3.eth.block_number == 1
            assert bytes(copy.web3.eth.get_code(made)) == b"\x01"
            assert copy.connection.find(copy.code_hash(made)) == made
        balances = []
        for copy, wei in ((one, 2), (two, 3)):
            copy.send_coins(TO, wei)
            balances.append(copy.web3.eth.get_balance(copy.web3.to_checksum_address(TO)))
        assert balances == [2, 3]
        assert (one.web3.eth.block_number, two.web3.eth.block_number) == (2, 2)
    with begun.connect() as three:
        assert three.web3.eth.block_number == 1
        assert three.unfinished() == ()
