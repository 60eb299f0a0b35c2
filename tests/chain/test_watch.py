"""Watching: nothing missed, nothing twice, what a reorganisation takes is withdrawn."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from itertools import islice

import pytest

from tests.chain.node import Anvil, Faulty, refused, rich
from verifai.chain import Terms, connect, watch
from verifai.chain.chain import Chain
from verifai.chain.cursor import Cursor
from verifai.chain.watch import HistoryLostError, Seen
from verifai.contracts.solidity import compile_contract
from verifai.errors import MalformedError, NetworkError, UsageError
from verifai.evm import abi
from verifai.evm.logs import EventSource, Log

BELL = """
// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.0;
contract Bell {
    event Rung(uint256 number, uint256 previousBlock);
    uint256 last;
    function ring(uint256 number, uint256 times) external {
        for (uint256 i = 0; i < times; ++i) { emit Rung(number + i, last); last = block.number; }
    }
}
"""
FAST = {"poll_seconds": 0.05}


@dataclass(frozen=True)
class Ring:
    number: int
    previous: int


def decode(log: Log) -> Ring:
    return Ring(*abi.decode(("uint256", "uint256"), log.data, "a ring"))


class Bell:
    """The contract, and what was delivered of it."""

    def __init__(self, chain: Chain, known: bool = True) -> None:
        self.chain = chain
        contract = compile_contract(BELL, "Bell")
        if known:
            self.address, _ = chain.connection.ensure(
                contract.code_hash, contract.creation, "a bell"
            )
        else:
            mined = chain.connection.sender.send(None, contract.creation, "another bell")
            self.address = str(mined["contractAddress"])
        topic = abi.keccak(b"Rung(uint256,uint256)")
        self.source = EventSource(
            (self.address,), (topic,), decode, previous_block=lambda ring: ring.previous
        )

    def ring(self, number: int, times: int = 1) -> None:
        data = abi.selector("ring(uint256,uint256)") + abi.encode(("uint256",) * 2, (number, times))
        self.chain.connection.sender.send(self.address, data, "ringing")

    def watch(self, **options: object) -> watch.Watcher[Ring]:
        return self.chain.watch(self.source, **{**FAST, **options})

    def seen(self, **options: object) -> list[tuple[str, int]]:
        return told(self.watch(once=True, **options))


def told(events: object) -> list[tuple[str, int]]:
    return [(event.kind[0], event.record.number) for event in events]


def opened(node: Anvil) -> Chain:
    terms = Terms(patience_seconds=20)
    return connect(node.url, signer=rich(), terms=terms)


@pytest.fixture
def bell(node) -> Bell:
    return Bell(opened(node))


def test_on_the_embedded_chain(tmp_path):
    with connect() as chain:
        bell = Bell(chain)
        bell.ring(1, 3)
        bell.ring(4)
        assert bell.seen() == [("n", 1), ("n", 2), ("n", 3), ("n", 4)]
        assert bell.seen(since=3) == [("n", 4)]
        assert bell.seen(confirmations=2) == [("n", 1), ("n", 2), ("n", 3)]
        cursor = next(iter(bell.watch())).cursor
        assert bell.seen(since=cursor) == [("n", 2), ("n", 3), ("n", 4)]
        events = list(bell.watch(once=True))
        assert len({(event.block_hash, event.log_index) for event in events}) == 4
        assert events[0].to_json()["record"] == {"number": 1, "previous": 0}
        assert "cursor" not in repr(events[0])


def test_publications_are_watched_by_default(pretended):
    with connect() as chain:
        with pytest.raises(UsageError, match="No registry") as caught:
            chain.watch()
        assert "--registry ADDRESS" in caught.value.hint
        vk = pretended.key()
        receipts = [chain.publish(pretended.proof(vk, n, n), vk) for n in range(3)]
        seen = list(chain.watch(once=True))
        assert [event.transaction_hash for event in seen] == [
            receipt.transaction_hash for receipt in receipts
        ]
        assert [chain.record(event) for event in seen] == list(chain.published())


def test_new_events_arrive_while_we_wait(bell, clock):
    bell.ring(1)
    events = iter(bell.watch())
    assert next(events).record.number == 1
    clock.after(0.3, lambda: bell.ring(2))
    assert next(events).record.number == 2
    assert clock.now < 0.3 + 2 * FAST["poll_seconds"]


def test_a_reorganisation_withdraws_newest_first(node, bell):
    for number in range(1, 5):
        bell.ring(number)
    events = iter(bell.watch())
    assert told(islice(events, 4)) == [("n", n) for n in (1, 2, 3, 4)]
    node.ask("anvil_reorg", 2, [])
    node.mine()
    assert told(islice(events, 2)) == [("w", 4), ("w", 3)]
    bell.ring(9)
    (event,) = islice(events, 1)
    assert (event.kind, event.record.number) == ("new", 9)


def test_events_below_the_confirmations_are_never_withdrawn(node, bell):
    bell.ring(1)
    node.mine(3)
    bell.ring(2)
    events = iter(bell.watch(confirmations=3))
    assert next(events).record.number == 1
    node.ask("anvil_reorg", 1, [])
    node.mine(4)
    bell.ring(3)
    node.mine(3)
    assert next(events).record.number == 3


@pytest.mark.parametrize("stopped_after", [0, 1, 2, 3, 4, 5])
def test_a_saved_cursor_continues_exactly(node, bell, tmp_path, stopped_after):
    """Also within a block, and also across a reorganisation while nobody watched."""
    path = tmp_path / "cursor.json"
    bell.ring(1, 2)
    bell.ring(3, 2)
    bell.ring(5)
    before = list(islice(bell.watch(), stopped_after))
    cursor = before[-1].cursor if before else bell.watch().cursor
    cursor.save(path)
    assert Cursor.load(path) == cursor
    rest = bell.seen(since=Cursor.load(path))
    assert told(before) + rest == [("n", n) for n in (1, 2, 3, 4, 5)]
    node.ask("anvil_reorg", 2, [])
    node.mine(2)
    bell.ring(7)
    expected = [("w", n) for n in (5, 4, 3) if n <= stopped_after]
    expected += [("n", n) for n in (1, 2) if n > stopped_after] + [("n", 7)]
    assert bell.seen(since=Cursor.load(path)) == expected


def test_a_file_keeps_the_place(node, bell, tmp_path):
    path = tmp_path / "cursor.json"
    bell.ring(1, 2)
    assert bell.seen(path=path) == [("n", 1), ("n", 2)]
    assert bell.seen(path=path) == []
    node.ask("anvil_reorg", 1, [])
    node.mine()
    bell.ring(3)
    assert bell.seen(path=path) == [("w", 2), ("w", 1), ("n", 3)]
    assert bell.seen(path=path) == []
    # A process that died with an event in its hands sees it again.
    bell.ring(4, 2)
    assert next(iter(bell.watch(path=path))).record.number == 4
    assert bell.seen(path=path) == [("n", 4), ("n", 5)]


def test_a_withdrawal_that_was_interrupted_while_the_chain_came_back(node, bell):
    """Withdrawn in part, then the old branch is canonical again: told anew, not lost."""
    bell.ring(1, 3)
    cursor = list(islice(bell.watch(), 3))[-1].cursor
    provider = Faulty(bell.chain.web3.provider, {})
    real = bell.chain.web3.eth.get_block("latest")
    other = dict(provider.make_request("eth_getBlockByNumber", [hex(real["number"]), False]))
    other = {**other, "result": {**other["result"], "hash": "0x" + "ab" * 32}}
    bell.chain.web3.provider = provider
    provider.faults["eth_getBlockByNumber"] = [None, other]
    first = next(iter(bell.watch(since=cursor)))
    assert (first.kind, first.record.number) == ("withdrawn", 3)
    assert bell.seen(since=first.cursor) == [("n", 3)]


def test_a_node_that_is_only_behind_withdraws_nothing(node, bell):
    bell.ring(1)
    bell.ring(2)
    cursor = list(bell.watch(once=True))[-1].cursor
    node.ask("anvil_rollback", 1)
    assert bell.seen(since=cursor) == []
    node.mine()
    assert bell.seen(since=cursor) == [("w", 2)]


def test_the_node_goes_and_comes_back(start_anvil, tmp_path, clock):
    node = start_anvil(state=tmp_path / "state.json")
    bell = Bell(opened(node))
    bell.ring(1)
    watcher = bell.watch()
    events = iter(watcher)
    assert next(events).record.number == 1
    bell.ring(2)
    node.stop()  # it writes its state
    faults = []
    clock.after(1.0, lambda: faults.append(watcher.fault))
    clock.after(1.0, node.start)
    assert next(events).record.number == 2
    assert "node" in faults[0]
    bell.ring(3)
    assert next(events).record.number == 3
    assert watcher.fault is None


def test_another_chain_is_not_continued(start_anvil):
    node = start_anvil()
    bell = Bell(opened(node))
    bell.ring(1)
    cursor = list(bell.watch(once=True))[-1].cursor
    later = node.web3.eth.get_block(0)["timestamp"] + 1
    node.kill()
    node._options += ["--timestamp", str(later)]
    node.start()  # the same port and id, another genesis
    with pytest.raises(HistoryLostError, match="another chain"):
        bell.seen(since=cursor)
    with connect() as chain, pytest.raises(UsageError, match="cursor is of"):
        chain.watch(bell.source, since=cursor)


def test_a_reorganisation_deeper_than_remembered(node, bell, monkeypatch):
    monkeypatch.setattr("verifai.chain.cursor.REORG_BLOCKS", 2)
    for number in range(1, 6):
        bell.ring(number)
    cursor = list(bell.watch(once=True))[-1].cursor
    assert len(cursor.tail) <= 3
    node.ask("anvil_reorg", 4, [])
    node.mine()
    with pytest.raises(HistoryLostError, match="deeper"):
        bell.seen(since=cursor)


def test_a_silent_node_is_given_up_in_time(start_anvil, clock):
    node = start_anvil()
    bell = Bell(opened(node))
    bell.ring(1)
    events = iter(bell.watch(patience_seconds=1.0))
    next(events)
    node.kill()
    with pytest.raises(NetworkError, match="nothing is missed"):
        next(events)
    assert 1 < clock.now < 3


def test_a_node_that_leaves_an_event_out_is_asked_again(bell):
    for number in (1, 2, 3):
        bell.ring(number)
    provider = Faulty(bell.chain.web3.provider, {})
    bell.chain.web3.provider = provider
    provider.faults["eth_getLogs"] = [None, {"jsonrpc": "2.0", "id": 1, "result": []}]
    assert bell.seen() == [("n", 1), ("n", 2), ("n", 3)]


def test_an_event_left_out_beside_anothers_of_its_block(node, bell, monkeypatch):
    """Two bells ring in block 3; the node tells of one only, until the next event shows it."""
    monkeypatch.setattr(watch, "EXACT_BLOCKS", 100)  # one question for each block
    second = Bell(bell.chain, known=False)
    bell.source = replace(bell.source, addresses=(bell.address, second.address))
    node.ask("evm_setAutomine", False)
    account = node.web3.eth.accounts[1]
    for number, one in enumerate((bell, second), start=1):
        data = abi.selector("ring(uint256,uint256)") + abi.encode(("uint256",) * 2, (number, 1))
        node.web3.eth.send_transaction({"from": account, "to": one.address, "data": data})
    node.mine()
    node.ask("evm_setAutomine", True)
    second.ring(3)
    provider = Faulty(bell.chain.web3.provider, {})
    bell.chain.web3.provider = provider
    provider.faults["eth_getLogs"] = [None, None, None, lambda logs: logs[:1]]
    assert bell.seen() == [("n", 1), ("n", 2), ("n", 3)]
    assert provider.faults["eth_getLogs"] == []


def test_a_reorganisation_between_two_questions(node, bell):
    """The block that was read last still stands when it is looked up, and has fallen when the next
    one is read."""
    bell.ring(1)
    cursor = list(bell.watch(once=True))[-1].cursor
    node.mine()
    next_block = hex(node.web3.eth.block_number)
    provider = Faulty(bell.chain.web3.provider, {})
    bell.chain.web3.provider = provider
    done = []

    def reorganise(method: str, parameters: list) -> None:
        if method == "eth_getBlockByNumber" and parameters[0] == next_block and not done:
            done.append(True)
            node.ask("anvil_reorg", 2, [])

    provider.before = reorganise
    assert bell.seen(since=cursor) == [("w", 1)]
    assert done


def test_a_node_that_allows_few_blocks_and_refuses_at_times(bell, monkeypatch):
    monkeypatch.setattr(watch, "EXACT_BLOCKS", 1)
    for number in range(1, 9):
        bell.ring(number)
    provider = Faulty(bell.chain.web3.provider, {})
    bell.chain.web3.provider = provider
    provider.faults["eth_getLogs"] = [refused("range too large"), None, "lost", None, None, "deaf"]
    assert bell.seen() == [("n", n) for n in range(1, 9)]


def test_many_events_are_taken_in_small_bites(bell, monkeypatch):
    monkeypatch.setattr(watch, "MAX_LOGS", 5)
    monkeypatch.setattr("verifai.chain.cursor.MAX_TAIL_LOGS", 10)
    for number in range(6):
        bell.ring(10 * number, 4)
    numbers, largest = [], 0
    for event in bell.watch(once=True):
        numbers.append(event.record.number)
        largest = max(largest, sum(len(item.logs) for item in event.cursor.tail))
    assert numbers == [10 * n + i for n in range(6) for i in range(4)]
    assert largest <= 14  # the newest block is always whole


@pytest.mark.parametrize("seed", range(8))
def test_whatever_happens_the_sum_is_the_chain(node, bell, seed, tmp_path, monkeypatch):
    """Random rings of two bells, reorganisations (also while the watch is reading), lost questions
    and answers, and restarts of the watch: what was delivered and not withdrawn is, at every quiet
    moment, what the chain holds."""
    monkeypatch.setattr(watch, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(watch, "MAX_PAUSE_SECONDS", 0.02)
    rng = random.Random(seed)
    second = Bell(bell.chain, known=False)
    both = (bell.address, second.address)
    bell.source = replace(bell.source, addresses=both)
    first_block = node.web3.eth.block_number
    standing: list[Ring] = []
    number, cursor = 0, bell.watch().cursor

    def reorganise(depth: int) -> None:
        if node.web3.eth.block_number - depth >= first_block:  # the contracts themselves stay
            node.ask("anvil_reorg", depth, [])
            node.mine()

    def now_and_then(method: str, _: object) -> None:
        if rng.random() < 0.04:
            reorganise(rng.randrange(1, 4))

    for _ in range(12):
        for _ in range(rng.randrange(4)):
            times = rng.randrange(1, 4)
            rng.choice((bell, second)).ring(number, times)
            number += times
        if rng.random() < 0.5:
            reorganise(rng.randrange(1, 5))
        inner = bell.chain.web3.provider
        kinds = [None, None, "lost", "deaf"]
        methods = ("eth_getLogs", "eth_getBlockByNumber", "eth_blockNumber")
        faults = {method: rng.choices(kinds, k=3) for method in methods}
        bell.chain.web3.provider = provider = Faulty(inner, faults)
        provider.before = now_and_then
        stop = rng.randrange(6)
        for count, event in enumerate(bell.watch(since=cursor, once=True)):
            take(standing, event)
            cursor = event.cursor
            if count == stop:
                break
        bell.chain.web3.provider = inner
        cursor = Cursor.load(cursor.save(tmp_path / "cursor.json"))
    for event in bell.watch(since=cursor, once=True):
        take(standing, event)
    logs = node.web3.eth.get_logs({"fromBlock": 0, "address": list(both)})
    assert standing == [decode(Log.of(log)) for log in logs]
    assert seed or standing  # at least one of the runs is about something


def take(standing: list[Ring], event: Seen) -> None:
    if event.kind == "new":
        standing.append(event.record)
    else:
        assert standing.pop() == event.record


def test_files_that_are_no_cursor(tmp_path, bell):
    bell.ring(1, 2)
    good = next(iter(bell.watch())).cursor.to_bytes()
    path = tmp_path / "cursor.json"
    for bad in (
        b"",
        b"{}",
        good[:-1],
        good + b"\n",
        good.replace(b'"format":1', b'"format":2'),
        good.replace(b'"start":0', b'"start":"0"'),
        good.replace(b'"complete":false', b'"complete":0'),
        good.replace(b'"log_index":0', b'"log_index":"x"'),
        good.replace(b'"block_number":2', b'"block_number":3'),
    ):
        assert bad != good
        path.write_bytes(bad)
        with pytest.raises(MalformedError):
            bell.watch(path=path)


@pytest.mark.parametrize("options", [{"confirmations": 0}, {"poll_seconds": 0}])
def test_options_out_of_range(bell, options):
    with pytest.raises(UsageError):
        bell.watch(**options)


@pytest.mark.parametrize(
    "wrong",
    [
        {"since": -5},
        {"since": 1.5},
        {"confirmations": 0},
        {"confirmations": "2"},
        {"patience_seconds": -1},
        {"patience_seconds": float("nan")},
        {"poll_seconds": 0},
    ],
)
def test_arguments_out_of_range(wrong):
    with connect() as chain:
        bell = Bell(chain)
        with pytest.raises(UsageError, match=next(iter(wrong))):
            bell.watch(**wrong)
