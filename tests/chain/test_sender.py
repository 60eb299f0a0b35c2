"""Transactions on a real node that dies, forgets, refuses and reorganises.

What must hold in every case: what was asked for is on the chain once, never twice, and a process
that comes later finishes what an earlier one began.
"""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from tests.chain.node import RICH, Anvil, Faulty, refused, rich
from verifai.chain import Terms, connect
from verifai.chain.chain import Chain
from verifai.errors import NetworkError, SetupError, UsageError
from verifai.evm.node.faults import RevertedError
from verifai.evm.transactions import delivery
from verifai.evm.transactions.delivery import Delivery
from verifai.evm.transactions.fees import Fees

TO = "0x" + "12" * 20
GWEI = 10**9
QUICK = Terms(patience_seconds=1.5, bump_seconds=0.3)


def by_hand(node: Anvil) -> None:
    """It makes a block only when it is told to, the next at a base fee of 1 gwei."""
    node.ask("evm_setAutomine", False)
    node.ask("anvil_setNextBlockBaseFeePerGas", hex(GWEI))


def opened(node: Anvil, terms: Terms = QUICK, **options: object) -> Chain:
    return connect(node.url, signer=rich(), terms=terms, **options)


def send(chain: Chain, data: bytes = b"", **options: int) -> dict:
    return chain.connection.sender.send(TO, data, "test", **options)


def sent_to(node: Anvil) -> list[bytes]:
    """Data of all transactions in the canonical chain to ``TO``, oldest first."""
    web3 = node.web3
    blocks = [web3.eth.get_block(n, True) for n in range(web3.eth.block_number + 1)]
    return [
        bytes(transaction["input"])
        for block in blocks
        for transaction in block["transactions"]
        if (transaction.get("to") or "").lower() == TO
    ]


def spoil(chain: Chain, **faults: list) -> Faulty:
    chain.web3.provider = Faulty(chain.web3.provider, faults)
    return chain.web3.provider


def test_a_transaction_with_value_and_its_estimate(node):
    with opened(node) as chain:
        estimate = chain.connection.sender.estimate(TO, b"\x01", "test", value=5)
        assert estimate.gas >= 21_000
        assert estimate.gas_limit > estimate.gas
        assert estimate.affordable
        assert estimate.cost_wei == estimate.gas_limit * estimate.fees.most + 5
        assert node.web3.eth.block_number == 0
        mined = send(chain, b"\x01", value=5)
        assert mined["gasUsed"] <= estimate.gas_limit
        assert node.web3.eth.get_balance(node.web3.to_checksum_address(TO)) == 5


def test_equal_transactions_that_were_finished_are_two(node):
    with opened(node) as chain:
        first, second = send(chain, b"\x01"), send(chain, b"\x01")
        assert first["transactionHash"] != second["transactionHash"]
    assert sent_to(node) == [b"\x01"] * 2


def test_a_legacy_chain(start_anvil):
    node = start_anvil("--hardfork", "berlin")
    with opened(node) as chain:
        assert chain.connection.sender.estimate(TO, b"", "test").fees.tip is None
        assert send(chain)["status"] == 1
    assert node.web3.eth.get_block(1, True)["transactions"][0]["type"] == 0


@pytest.mark.parametrize("fault", ["lost", "deaf", "twice"])
def test_the_connection_breaks_at_sending(node, clock, fault):
    """Before the node has it, or after, which look the same from here; or a proxy asks again, and
    passes on "nonce too low" for the transaction that its first question put into a block."""
    with opened(node) as chain:
        spoil(chain, eth_sendRawTransaction=[fault])
        assert send(chain, b"\x07")["status"] == 1
        assert chain.unfinished() == ()
    assert sent_to(node) == [b"\x07"]


@pytest.mark.parametrize("fault", ["lost", "deaf"])
def test_a_process_that_died_at_sending_is_continued(node, fault):
    class Died(BaseException):
        pass

    def die(*_: object) -> None:
        raise Died

    with opened(node) as chain:
        spoil(chain, eth_sendRawTransaction=[fault])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Delivery, "deliver", die)
            with pytest.raises(Died):
                send(chain, b"\x07")
    with opened(node) as chain:
        (entry,) = chain.unfinished()
        mined = send(chain, b"\x07")
        assert bytes(mined["transactionHash"]).hex() == entry.versions[0].hash
        assert chain.unfinished() == ()
    assert sent_to(node) == [b"\x07"]


def test_another_call_hands_in_what_was_left_behind(node, clock):
    with opened(node) as chain:
        spoil(chain, eth_sendRawTransaction=["lost"] * 100)
        with pytest.raises(NetworkError, match="takes it up again"):
            send(chain, b"\x01")
    with opened(node) as chain:
        send(chain, b"\x02")
        assert len(chain.resume()) == 1
        assert chain.unfinished() == ()
    assert sent_to(node) == [b"\x01", b"\x02"]


def test_the_node_is_killed_with_the_transaction_in_its_memory(start_anvil, tmp_path, clock):
    node = start_anvil("--no-mining", state=tmp_path / "state.json")
    node.mine()
    node.stop()
    node.start()
    chain = opened(node, replace(QUICK, patience_seconds=20, bump_seconds=60))
    waiting: list[dict] = []
    clock.after(0.5, node.kill)  # what it wrote when it stopped holds a block, and no transaction
    clock.after(1.5, node.start)
    clock.after(1.5, lambda: waiting.append(node.ask("txpool_status")))
    clock.after(3.5, node.mine)
    with chain:
        mined = send(chain, b"\x07")
    assert waiting == [{"pending": "0x0", "queued": "0x0"}]
    assert mined["status"] == 1
    assert sent_to(node) == [b"\x07"]


def test_a_reorganisation_before_the_confirmations(node, clock):
    """The block that held it is replaced by empty ones; the same bytes go in again."""
    chain = opened(node, replace(QUICK, confirmations=3, patience_seconds=20, bump_seconds=60))
    hashes = []

    def reorganise() -> None:
        hashes.append(node.web3.eth.get_block(1)["transactions"])
        node.ask("anvil_reorg", 1, [])
        assert node.web3.eth.get_block(1)["transactions"] == []

    clock.after(0.4, reorganise)
    clock.after(1.4, lambda: node.mine(3))
    with chain:
        mined = send(chain, b"\x07")
    assert hashes == [[mined["transactionHash"]]]
    assert mined["blockNumber"] > 1
    assert sent_to(node) == [b"\x07"]


def test_a_reorganisation_after_the_receipt(node):
    """Asking for the same again finds it lost and sends the same bytes, not a second one."""
    with opened(node) as chain:
        first = send(chain, b"\x07")
        node.ask("anvil_reorg", 1, [])
        assert sent_to(node) == []
        second = send(chain, b"\x07")
        assert second["transactionHash"] == first["transactionHash"]
        assert send(chain, b"\x07")["transactionHash"] != first["transactionHash"]
    assert sent_to(node) == [b"\x07"] * 2


def test_a_publication_that_a_reorganisation_took_back(node, pretended):
    vk = pretended.key()
    with opened(node) as chain:
        chain.publish(pretended.proof(vk), vk)
        lost = chain.publish(pretended.proof(vk, 5, 6), vk)
        snapshot_back = node.ask("anvil_reorg", 1, [])
        assert snapshot_back is None
        assert len(list(chain.published())) == 1
        again = chain.publish(pretended.proof(vk, 5, 6), vk)
        assert again.transaction_hash == lost.transaction_hash
        assert len(list(chain.published())) == 2


def test_without_confirmations_it_says_how_far_it_came(node, clock):
    with opened(node, replace(QUICK, confirmations=2)) as chain:
        with pytest.raises(NetworkError, match="1 of 2 confirmations"):
            send(chain, b"\x07")
        node.mine()
        assert send(chain, b"\x07")["blockNumber"] == 1
    assert sent_to(node) == [b"\x07"]


def test_a_stuck_transaction_is_replaced_at_a_higher_fee(node, clock):
    by_hand(node)
    chain = opened(node, replace(QUICK, patience_seconds=20))

    def fee_spike() -> None:
        node.ask("anvil_setNextBlockBaseFeePerGas", hex(4 * GWEI))
        node.mine()
        assert sent_to(node) == []

    clock.after(0.3, fee_spike)
    for n in range(1, 9):
        clock.after(0.3 + 0.5 * n, node.mine)
    with chain:
        mined = send(chain, b"\x07")
    assert mined["effectiveGasPrice"] >= 3 * GWEI
    assert sent_to(node) == [b"\x07"]
    assert node.web3.eth.get_transaction_count(chain.connection.sender.address) == 1


def test_the_fee_is_raised_to_a_limit_only(node, clock):
    by_hand(node)
    terms = replace(QUICK, max_fee_wei=4 * GWEI, patience_seconds=2.5, bump_seconds=0.1)
    with opened(node, terms) as chain:
        with pytest.raises(NetworkError, match=r"no block yet|raised fee"):
            send(chain, b"\x07")
        (entry,) = chain.unfinished()
        pending = node.ask("eth_getTransactionByHash", "0x" + entry.versions[-1].hash)
        assert 2 <= len(entry.versions) < 9
        assert 3 * GWEI < int(pending["maxFeePerGas"], 16) <= 4 * GWEI
        node.mine()
        assert send(chain, b"\x07")["status"] == 1
    assert sent_to(node) == [b"\x07"]


def test_a_chain_dearer_than_the_limit(node):
    node.ask("anvil_setNextBlockBaseFeePerGas", hex(50 * GWEI))
    node.mine()
    with (
        opened(node, replace(QUICK, max_fee_wei=GWEI)) as chain,
        pytest.raises(SetupError, match="the limit is 1,000,000,000"),
    ):
        send(chain)
    assert sent_to(node) == []


def test_a_first_offer_that_is_too_low_is_raised(node):
    with opened(node) as chain:
        low = refused("max fee per gas less than block base fee")
        provider = spoil(chain, eth_sendRawTransaction=[low, low])
        assert send(chain, b"\x07")["status"] == 1
        assert provider.asked.count("eth_sendRawTransaction") == 3
    assert sent_to(node) == [b"\x07"]


def other_wallet(node: Anvil, nonce: int, to: str = "0x" + "34" * 20) -> None:
    """The same account, elsewhere."""
    from eth_account import Account

    signed = Account.sign_transaction(
        {
            "to": to,
            "value": 1,
            "nonce": nonce,
            "gas": 21_000,
            "maxFeePerGas": 50 * GWEI,
            "maxPriorityFeePerGas": GWEI,
            "chainId": node.web3.eth.chain_id,
        },
        RICH,
    )
    node.web3.eth.send_raw_transaction(signed.raw_transaction)


@pytest.mark.parametrize("mining", [True, False])
def test_another_wallet_takes_the_nonce_first(node, clock, mining):
    """Mined: "nonce too low". In memory: "replacement underpriced", and it is not replaced."""
    if not mining:
        by_hand(node)
    with opened(node, replace(QUICK, bump_seconds=60, patience_seconds=20)) as chain:
        provider = spoil(chain)
        done = []

        def race(method: str, _: object) -> None:
            if method == "eth_sendRawTransaction" and not done:
                done.append(True)
                other_wallet(node, 0)

        provider.before = race
        clock.after(1.0, node.mine)
        mined = send(chain, b"\x07")
        assert mined["status"] == 1
    assert sent_to(node) == [b"\x07"]
    assert node.web3.eth.get_balance(node.web3.to_checksum_address("0x" + "34" * 20)) == 1


def test_another_wallet_takes_the_nonce_while_we_wait(node, clock):
    """Ours can never be mined, so it is signed anew with the next nonce, after a while: the node
    that counts it may be ahead of the one that has its receipt."""
    assert delivery._MISSING_SECONDS > 12  # a slot
    by_hand(node)
    with opened(node, replace(QUICK, bump_seconds=60, patience_seconds=60)) as chain:

        def overtake() -> None:
            other_wallet(node, 0)
            node.mine()

        def waiting() -> int:
            return int(node.ask("txpool_status")["pending"], 16)

        seen: list[int] = []
        clock.after(0.4, overtake)
        clock.after(0.4 + delivery._MISSING_SECONDS, lambda: seen.append(waiting()))
        clock.after(5.0 + delivery._MISSING_SECONDS, lambda: seen.append(waiting()))
        clock.after(5.0 + delivery._MISSING_SECONDS, node.mine)
        assert send(chain, b"\x07")["status"] == 1
        assert seen == [0, 1]
        assert chain.unfinished() == ()
    assert sent_to(node) == [b"\x07"]
    assert node.web3.eth.get_transaction_count(chain.connection.sender.address) == 2


def test_a_nonce_gap_is_named_and_filled_by_what_comes_next(node, clock):
    """Another process took nonce 0 and its transaction is nowhere."""
    with opened(node) as chain:
        provider = spoil(chain)
        provider.faults["eth_getTransactionCount"] = [{"jsonrpc": "2.0", "id": 1, "result": "0x1"}]
        with pytest.raises(NetworkError, match="nonce 1 waits for nonce 0"):
            send(chain, b"\x01")
    with opened(node) as chain:
        assert [entry.nonce for entry in chain.unfinished()] == [1]
        send(chain, b"\x02")
        assert chain.resume()
    assert sent_to(node) == [b"\x02", b"\x01"]


def test_a_poor_signer_learns_how_much(node):
    from eth_account import Account

    poor = Account.create()
    node.ask("anvil_setBalance", poor.address, hex(1000))
    with (
        connect(node.url, signer=poor, terms=QUICK) as chain,
        pytest.raises(SetupError, match=r"can cost .* has 0\.0+1\.") as caught,
    ):
        send(chain)
    assert node.web3.eth.block_number == 0
    assert caught.value.exit_code == 6


def test_a_signer_who_can_pay_for_gas_but_not_for_the_offer(node):
    from eth_account import Account

    some = Account.create()
    node.ask("anvil_setBalance", some.address, hex(21_000 * GWEI))
    with (
        connect(node.url, signer=some, terms=QUICK) as chain,
        pytest.raises(SetupError, match=r"0\.000021\.") as caught,
    ):
        send(chain)
    assert int(caught.value.details["cost_wei"]) > int(caught.value.details["balance_wei"])


def test_the_chain_behind_the_url_is_another_one_now(start_anvil):
    node = start_anvil()
    with opened(node) as chain:
        send(chain)
        spoil(chain, eth_chainId=[{"jsonrpc": "2.0", "id": 1, "result": "0x1"}])
        with pytest.raises(NetworkError, match="another chain now: eip155:1 "):
            send(chain)
        node.kill()
        node._options[-1] = str(int(node._options[-1]) + 1)
        node.start()
        with pytest.raises(NetworkError, match="another chain now"):
            send(chain)
    assert node.web3.eth.block_number == 0


def test_a_chain_that_must_be_there(node):
    number = node.web3.eth.chain_id
    opened(node, chain_id=number).close()
    opened(node, chain_id=f"eip155:{number}").close()
    with pytest.raises(UsageError, match=r"not on eip155:1\."):
        opened(node, chain_id=1)
    with pytest.raises(UsageError, match="not on eip155:1"):
        connect(chain_id="eip155:1")


def test_a_node_that_signs_only_as_it_sends(node):
    with connect(node.url, terms=QUICK) as chain:
        provider = spoil(chain)
        provider.faults["eth_signTransaction"] = [refused("method not found")] * 5
        assert send(chain, b"\x07")["status"] == 1
        assert "eth_sendTransaction" in provider.asked
    with connect(node.url, terms=QUICK) as chain:  # and one that signs for us
        provider = spoil(chain)
        assert send(chain, b"\x08")["status"] == 1
        assert "eth_sendTransaction" not in provider.asked
    assert sent_to(node) == [b"\x07", b"\x08"]


def test_a_transaction_that_reverts_only_when_mined(node):
    """Estimation saw it pass; the block did not. It is finished, and is not sent again."""
    with opened(node) as chain:
        reverts = bytes.fromhex("60006000fd")
        estimates = [{"jsonrpc": "2.0", "id": 1, "result": hex(100_000)}]
        spoil(chain, eth_estimateGas=estimates)
        with pytest.raises(RevertedError):
            chain.connection.sender.send(None, reverts, "test")
        assert chain.unfinished() == ()
    assert node.web3.eth.block_number == 1


def test_two_processes_of_one_signer_take_turns(node):
    chains = [opened(node, replace(QUICK, patience_seconds=20)) for _ in range(3)]

    def some(chain: Chain, first: int) -> None:
        for number in range(first, first + 4):
            send(chain, bytes([number]))

    threads = [
        threading.Thread(target=some, args=(chain, 10 * n)) for n, chain in enumerate(chains)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(sent_to(node)) == [bytes([10 * n + i]) for n in range(3) for i in range(4)]
    for chain in chains:
        chain.close()


@pytest.mark.parametrize(("most", "tip"), [(0, None), (1, 0), (7, 3), (10**11, 10**9)])
def test_a_raised_fee_is_one_that_nodes_take(most, tip):
    raised = Fees(most, tip).raised()
    assert raised.most * 10 >= most * 11
    assert raised.most > most
    assert (raised.tip is None) == (tip is None)
    assert tip is None or raised.tip * 10 >= tip * 11


@pytest.mark.parametrize(
    "terms",
    [{"confirmations": 0}, {"patience_seconds": 0}, {"bump_seconds": -1}, {"max_fee_wei": -1}],
)
def test_terms_out_of_range(terms):
    with pytest.raises(UsageError):
        Terms(**terms)


def test_a_receipt_that_comes_late_is_waited_for(node, clock, monkeypatch):
    """The nonce is counted, the receipt is not there yet: no second transaction."""
    mined = Delivery.mined
    hidden = iter(range(7))
    monkeypatch.setattr(
        Delivery, "mined", lambda *a: None if next(hidden, None) is not None else mined(*a)
    )
    with opened(node, replace(QUICK, patience_seconds=30)) as chain:
        assert send(chain, b"\x07")["status"] == 1
    assert sent_to(node) == [b"\x07"]
    assert node.web3.eth.get_transaction_count(chain.connection.sender.address) == 1


def test_giving_up_is_one_sentence(node, clock):
    with opened(node, Terms(patience_seconds=1)) as chain:
        spoil(chain, eth_blockNumber=["lost"] * 100)
        with pytest.raises(NetworkError) as caught:
            send(chain)
        assert caught.value.message.endswith("(test).")
    assert 1 < clock.now < 3
