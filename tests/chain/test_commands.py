"""``verifai watch``, ``verifai publish --dry-run`` and ``verifai audit`` of several chains."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from verifai.chain import connect
from verifai.cli.main import main


@pytest.fixture
def journal(tmp_path, pretended) -> Path:
    """Three proofs of one key on an embedded chain."""
    path = tmp_path / "chain.jsonl"
    with connect(journal=path) as chain:
        for value in range(3):
            chain.publish(pretended.proof(pretended.key(), value, value), pretended.key())
    return path


def run(capsys, *words: object) -> tuple[int, list[dict]]:
    code = main([*map(str, words), "--json"])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_watching_a_journal(journal, tmp_path, capsys):
    cursor = tmp_path / "cursor.json"
    words = ("watch", "--journal", journal, "--cursor", cursor)
    code, events = run(capsys, *words)
    assert (code, [event["kind"] for event in events]) == (0, ["new"] * 3)
    assert len({event["record"]["bundle_digest"] for event in events}) == 3
    assert run(capsys, *words) == (0, [])
    code, events = run(capsys, "watch", "--journal", journal, "--confirmations", 3)
    assert (code, len(events)) == (0, 1)
    code, events = run(capsys, "watch", "--journal", journal, "--since", 5)
    assert (code, [event["block_number"] for event in events]) == (0, [5])


def test_watching_for_people(journal, capsys):
    assert main(["watch", "--journal", str(journal)]) == 0
    printed = capsys.readouterr().out
    assert printed.count("0x7E5F…5Bdf") == 3  # the development account


def test_a_journal_that_is_not_there(tmp_path, capsys):
    for command in ("watch", "audit"):
        code, (error,) = run(capsys, command, "--journal", tmp_path / "typo")
        assert (code, error["error"]) == (2, "UsageError")
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_is_published_yet_nothing_failed(tmp_path, capsys, monkeypatch, node):
    """A journal without a publication, none yet, and a node's first block; but a node of which no
    registry is known may hold what is not shown."""
    journal = tmp_path / "new.jsonl"
    monkeypatch.setenv("VERIFAI_HOME", str(tmp_path / "home"))
    connect(journal=journal).close()
    for words in (("--journal", journal), ()):
        assert run(capsys, "watch", *words) == (0, [])
    for number, words in enumerate((("--journal", journal), (), ("--chain", node.url))):
        code, (found,) = run(capsys, "audit", *words, "--out", tmp_path / str(number))
        assert (code, found["report"]["headline"]) == (0, "Nothing is published.")
    assert not (tmp_path / "home" / "chain").exists()
    node.mine()
    code, (found,) = run(capsys, "audit", "--chain", node.url, "--out", tmp_path / "out")
    assert (code, found["report"]["verdict"]) == (7, "unchecked")
    assert "no registry is known" in found["report"]["headline"].lower()
    code, (error,) = run(capsys, "watch", "--chain", node.url, "--once")
    assert (code, error["error"]) == (2, "UsageError")


@pytest.mark.parametrize(
    ("number", "ignored", "status"),
    [(signal.SIGINT, False, 130), (signal.SIGTERM, False, 143), (signal.SIGTERM, True, 143)],
)
def test_watching_a_node_for_ever_until_interrupted(node, pretended, number, ignored, status):
    """Whatever our parent ignores: a background shell hands ``SIGINT`` on ignored, and then
    ``SIGTERM`` ends it."""
    vk = pretended.key()
    with connect(node.url) as chain:
        receipt = chain.publish(pretended.proof(vk), vk)
        command = ["watch", "--json", "--chain", node.url, "--registry", receipt.contract]
        process = subprocess.Popen(
            [sys.executable, "-m", "verifai", *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            preexec_fn=lambda: signal.signal(
                signal.SIGINT, signal.SIG_IGN if ignored else signal.SIG_DFL
            ),
        )
        try:
            assert json.loads(process.stdout.readline())["kind"] == "new"
            second = chain.publish(pretended.proof(vk, 5, 6), vk)
            event = json.loads(process.stdout.readline())
            assert event["transaction_hash"] == second.transaction_hash
            node.ask("anvil_reorg", 1, [])
            node.mine(2)
            withdrawn = json.loads(process.stdout.readline())
            assert {**withdrawn, "kind": "new"} == event
        finally:
            process.send_signal(number)
            rest, errors = process.communicate(timeout=60)
    assert (process.returncode, rest) == (status, "")
    assert "Traceback" not in errors


def test_auditing_several_chains_one_of_them_gone(
    node, start_anvil, nowhere, pretended, tmp_path, capsys
):
    nodes = [node, start_anvil()]
    vk = pretended.key()
    for value, node in enumerate(nodes):
        with connect(node.url) as chain:
            chain.publish(pretended.proof(vk, value, value), vk)
    out = tmp_path / "out"
    words = ["audit", "--url", nodes[0].url, "--url", nodes[1].url, "--out", out]
    _, (value,) = run(capsys, *words)
    chains = [entry["record"]["chain_id"] for entry in value["report"]["entries"]]
    assert chains == [f"eip155:{node.web3.eth.chain_id}" for node in nodes]
    assert value["report"]["problems"] == []
    code, (value,) = run(capsys, *words, "--url", nowhere)
    assert len(value["report"]["entries"]) == 2
    (problem,) = value["report"]["problems"]
    assert "No node answers" in problem["text"]
    assert code == value["report"]["exit_code"] == 7
    code, (value,) = run(capsys, *words, "--registry", "0x" + "12" * 20)
    assert (code, value["error"]) == (2, "UsageError")
    code, _ = run(capsys, "audit", "--url", nowhere, "--out", tmp_path / "other")
    assert code == 7
