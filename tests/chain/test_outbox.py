"""The write-ahead record: a killed process is continued, a damaged file is said."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.chain.node import RICH, rich
from verifai.chain import Terms, connect
from verifai.errors import MalformedError, SetupError
from verifai.evm.transactions.outbox import (
    FINAL_BLOCKS,
    Entry,
    Outbox,
    Version,
    content_digest,
    default_folder,
)

ENTRY = Entry(7, "ab" * 32, (Version("cd" * 32, b"\x02\x03"), Version("ef" * 32, b"")))
TO = "0x" + "12" * 20


@pytest.fixture(params=["file", "memory"])
def outbox(request, tmp_path) -> Outbox:
    return Outbox(tmp_path / "outbox" if request.param == "file" else None)


def test_entries_come_back_by_nonce(outbox):
    with outbox.locked():
        assert outbox.entries() == []
        for nonce in (10, 9, 7):
            outbox.keep(replace(ENTRY, nonce=nonce))
        assert [entry.nonce for entry in outbox.entries()] == [7, 9, 10]
        outbox.keep(replace(ENTRY, block=3))
        assert outbox.entries()[0] == replace(ENTRY, block=3)
        outbox.drop(ENTRY)
        outbox.drop(ENTRY)
        assert [entry.nonce for entry in outbox.entries()] == [9, 10]


def test_an_entry_whose_nonce_another_content_took_is_not_dropped(tmp_path):
    outbox = Outbox(tmp_path)
    outbox.keep(ENTRY)
    outbox.drop(replace(ENTRY, content="00" * 32))
    assert outbox.entries() == [ENTRY]


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data.replace(b'"nonce":7', b'"nonce":"7"'),
        lambda data: data.replace(b'"format":1', b'"format":2'),
        lambda data: data.replace(b'"raw":"0203"', b'"raw":"zz"'),
        lambda data: data.replace(b'"raw":"0203"', b'"raw":7'),
        lambda data: data.replace(b'"block":null', b'"block":"x"'),
        lambda data: data.replace(b"cdcd", b"CDcd"),
        lambda data: replace(ENTRY, versions=()).to_bytes(),
    ],
)
def test_a_damaged_entry_is_named(tmp_path, change):
    outbox = Outbox(tmp_path)
    bad = change(ENTRY.to_bytes())
    assert bad != ENTRY.to_bytes()
    (tmp_path / "7.json").write_bytes(bad)
    with pytest.raises(MalformedError, match=r"7\.json is damaged"):
        outbox.entries()


def test_one_process_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr("verifai.evm.transactions.outbox.LOCK_SECONDS", 0.1)
    with (
        Outbox(tmp_path).locked(),
        pytest.raises(SetupError, match="Another process"),
        Outbox(tmp_path).locked(),
    ):
        pass
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match="Cannot write"), Outbox(tmp_path / "file").locked():
        pass


def test_content_is_recipient_value_and_data():
    digests = {
        content_digest(to, value, data)
        for to in (None, TO, "0x" + "13" * 20)
        for value in (0, 1)
        for data in (b"", b"\0", bytes(20))
    }
    assert len(digests) == 18
    assert content_digest(TO, 0, b"") == content_digest(TO.upper().replace("X", "x"), 0, b"")


KILLED = """
import os, signal, sys
from eth_account import Account
from verifai.chain import connect
from verifai.evm.transactions import delivery
where = sys.argv[2]
hand_in, deliver = delivery.Delivery.hand_in, delivery.Delivery.deliver
def before(*arguments):
    os.kill(os.getpid(), signal.SIGKILL)
if where == "before sending":
    delivery.Delivery.hand_in = before
else:
    delivery.Delivery.deliver = before
with connect(sys.argv[1], signer=Account.from_key(sys.argv[3])) as chain:
    chain.connection.sender.send("0x" + "12" * 20, b"\\x07", "test")
"""


@pytest.mark.parametrize("where", ["before sending", "before the receipt"])
def test_a_killed_process_is_continued(node, where):
    done = subprocess.run(
        [sys.executable, "-c", KILLED, node.url, where, RICH],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL
    account = rich()
    with connect(node.url, signer=account, terms=Terms(patience_seconds=20)) as chain:
        folder = default_folder(chain.chain_id, chain.connection.sender.genesis, account.address)
        (file,) = folder.glob("*.json")
        assert RICH[2:] not in file.read_text()
        (entry,) = chain.unfinished()
        assert chain.resume() == ["0x" + entry.versions[0].hash]
        assert chain.unfinished() == ()
        assert node.web3.eth.get_transaction_count(account.address) == 1
        node.mine(FINAL_BLOCKS)
        chain.connection.sender.send(TO, b"\x08", "test")
        assert [path.name for path in folder.glob("*.json")] == ["1.json"]  # 0 is final


def test_a_killed_publication_is_continued(node, pretended, monkeypatch):
    """Each process finishes what the one before it left, and dies at the next transaction: three
    transactions in all, none twice."""
    from verifai.evm.transactions.delivery import Delivery

    class Died(BaseException):
        pass

    def die(*_: object) -> None:
        raise Died

    account = rich()
    vk = pretended.key()
    deliver = Delivery.deliver
    for finished in range(3):
        calls = iter([deliver] * min(finished, 1) + [die])
        monkeypatch.setattr(Delivery, "deliver", lambda *a, calls=calls: next(calls)(*a))
        with connect(node.url, signer=account) as chain, pytest.raises(Died):
            chain.publish(pretended.proof(vk), vk)
    monkeypatch.setattr(Delivery, "deliver", deliver)
    with connect(node.url, signer=account) as chain:
        receipt = chain.publish(pretended.proof(vk), vk)
        (record,) = chain.published()
        assert record.transaction_hash == receipt.transaction_hash
    assert node.web3.eth.get_transaction_count(account.address) == 3


def test_folders_tell_chains_and_accounts_apart(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("VERIFAI_HOME", str(tmp_path))
    folders = {
        default_folder(chain, genesis, address)
        for chain in ("eip155:1", "eip155:10")
        for genesis in ("0x" + "11" * 32, "0x" + "22" * 32)
        for address in (TO, "0x" + "13" * 20)
    }
    assert len(folders) == 8
    assert all(folder.is_relative_to(tmp_path / "chain" / "outbox") for folder in folders)
