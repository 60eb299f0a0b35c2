"""The embedded chain lives on across processes, and knows its own journal from another."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from verifai.chain import connect
from verifai.errors import MalformedError, SetupError, UsageError
from verifai.evm.node.journal import Block, Journal


def send(chain, data: bytes = b"") -> str:
    mined = chain.connection.sender.send("0x" + "12" * 20, data, "test")
    return "0x" + bytes(mined["transactionHash"]).hex()


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "chain.jsonl"


@pytest.fixture
def journal(path, pretended) -> tuple[Path, list]:
    """Three published proofs, and what the chain said of them."""
    with connect(journal=path) as chain:
        vk = pretended.key()
        for value in range(3):
            chain.publish(pretended.proof(vk, value, value), vk)
        return path, list(chain.published())


def test_a_chain_comes_back_the_same(journal, pretended):
    path, before = journal
    size = path.stat().st_size
    with connect(journal=path) as chain:
        assert list(chain.published()) == before
        assert [record.block_number for record in before] == [3, 4, 5]
        vk = pretended.key()
        again = chain.publish(pretended.proof(vk, 1, 1), vk)
        assert again.transaction_hash == before[1].transaction_hash
        assert again.deployed_gas == 0
        assert path.stat().st_size == size  # nothing was sent
        new = chain.publish(pretended.proof(vk, 7, 7), vk)
        assert (new.deployed_gas, new.block_number) == (0, 6)
    with connect(journal=path) as chain:
        assert [record.transaction_hash for record in chain.published()] == [
            *(record.transaction_hash for record in before),
            new.transaction_hash,
        ]


def test_another_process_continues_the_chain(path):
    program = (
        "import sys; from verifai.chain import connect\n"
        "with connect(journal=sys.argv[1]) as chain:\n"
        "    m = chain.connection.sender.send('0x' + '12' * 20, b'', 'test')\n"
        "    print(m['blockNumber'], bytes(m['blockHash']).hex())\n"
    )
    outputs = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", program, str(path)],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        outputs.append(done.stdout.split())
    assert [number for number, _ in outputs] == ["1", "2"]
    with connect(journal=path) as chain:
        for number, digest in outputs:
            assert bytes(chain.web3.eth.get_block(int(number))["hash"]).hex() == digest


def test_one_writer_at_a_time(path):
    with connect(journal=path) as chain:
        with pytest.raises(SetupError, match="Another process"):
            connect(journal=path, lock_seconds=0.1)
        send(chain)
    connect(journal=path).close()


def test_an_empty_journal_is_a_new_chain(path):
    path.write_bytes(b"")
    with connect(journal=path) as chain:
        send(chain)
    with connect(journal=path) as chain:
        assert chain.web3.eth.block_number == 1


def test_a_journal_cut_within_a_line_is_refused(journal):
    path, _ = journal
    whole = path.read_bytes()
    for cut in (1, 40, 300):
        path.write_bytes(whole[:-cut])
        with pytest.raises(MalformedError, match="damaged at line 6") as caught:
            connect(journal=path)
        assert caught.value.exit_code == 3


def test_a_journal_cut_between_lines_is_a_shorter_chain(journal):
    path, before = journal
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    with connect(journal=path) as chain:
        assert list(chain.published()) == before[:-1]


def damage(line: str, what: str) -> str:
    block = json.loads(line)
    if what == "hash":
        block["hash"] = "00" * 32
    elif what == "time":
        block["time"] += 1
    elif what == "no transactions":
        block["transactions"] = []
    elif what == "twice":
        block["transactions"] *= 2
    elif what == "signature":
        raw = block["transactions"][0]
        block["transactions"] = [raw[:-2] + ("00" if raw[-2:] != "00" else "01")]
    elif what == "calldata":
        block["transactions"] = [block["transactions"][0].replace("aa", "ab", 1)]
    elif what == "not hex":
        block["transactions"] = ["zz"]
    elif what == "types":
        block["transactions"] = {"a": 1}
    elif what == "field":
        block["extra"] = 1
    elif what == "spaces":
        return json.dumps(block, sort_keys=True)
    elif what == "not json":
        return line[:-1]
    return json.dumps(block, sort_keys=True, separators=(",", ":"))


@pytest.mark.parametrize(
    "what",
    [
        "hash",
        "time",
        "no transactions",
        "twice",
        "signature",
        "calldata",
        "not hex",
        "types",
        "field",
        "spaces",
        "not json",
    ],
)
def test_a_changed_line_is_noticed(path, what):
    with connect(journal=path) as chain:
        for number in range(3):
            send(chain, b"\xaa" * (number + 40))
    lines = path.read_text().splitlines()
    lines[2] = damage(lines[2], what)
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(MalformedError, match="damaged at line 3"):
        connect(journal=path)


@pytest.mark.parametrize("order", [(0, 2, 1, 3), (0, 1, 3), (0, 1, 1, 2, 3), (0, 3)])
def test_lines_moved_missing_or_doubled_are_noticed(path, order):
    with connect(journal=path) as chain:
        for number in range(3):
            send(chain, bytes([number]))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[index] for index in order))
    with pytest.raises(MalformedError, match="damaged at line"):
        connect(journal=path)


@pytest.mark.parametrize(
    "content",
    [
        b"zebra\n",
        b"\n",
        b"{}\n",
        b"\x00" * 100,
        b"\x08\x08\n\x07pytorch",
        b'{"chain":"embedded","format":1,"time":1}\n',
    ],
)
def test_another_file_is_no_journal(path, content):
    path.write_bytes(content)
    with pytest.raises(MalformedError, match=r"is not|another version") as caught:
        connect(journal=path)
    assert caught.value.hint is None  # nothing to cut
    assert path.read_bytes() == content


def test_a_failed_write_leaves_a_valid_journal(path, monkeypatch):
    with connect(journal=path) as chain:
        send(chain)
        size = path.stat().st_size
        write = os.write
        monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[:50]))
        with pytest.raises(SetupError, match="Cannot write"):
            send(chain)
        monkeypatch.undo()
        assert path.stat().st_size == size
        with pytest.raises(SetupError, match="lacks a block"):  # it is behind for good
            send(chain)
    with connect(journal=path) as chain:
        assert chain.web3.eth.block_number == 1


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match="Cannot open"):
        Journal(tmp_path / "file" / "chain.jsonl")


def test_a_block_line_is_canonical():
    assert Block("ab", 5, (b"\x01",)).line() == b'{"hash":"ab","time":5,"transactions":["01"]}\n'


def test_reading_writes_nothing(journal, monkeypatch):
    path, before = journal
    content, opens = path.read_bytes(), os.open

    def mounted_read_only(name, flags, *more, **options):
        if Path(os.fspath(name)) == path and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise OSError(errno.EROFS, "Read-only file system")
        return opens(name, flags, *more, **options)

    monkeypatch.setattr(os, "open", mounted_read_only)
    with pytest.raises(SetupError, match="Read-only"):
        connect(journal=path)
    with connect(journal=path, read_only=True) as one, connect(journal=path, read_only=True) as two:
        assert list(one.published()) == list(two.published()) == before
        with pytest.raises(UsageError, match="only reads"):
            send(one)
        with pytest.raises(UsageError, match="reading only"):
            one.advance(1)
    assert path.read_bytes() == content


def test_there_must_be_a_journal_to_read(path):
    with pytest.raises(UsageError, match="no journal at"):
        connect(journal=path, read_only=True)
    assert not path.exists()
    with pytest.raises(MalformedError, match="not a journal"):
        connect(journal=path.parent, read_only=True)
    path.write_bytes(b"")
    with pytest.raises(MalformedError, match="not a journal"):
        connect(journal=path, read_only=True)
