"""Connecting: a node is found quickly, or its absence is said quickly."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time

import pytest

from verifai.chain import Terms, connect
from verifai.errors import MalformedError, MissingExtraError, NetworkError, SetupError, UsageError
from verifai.evm.node import rpc


def test_no_node_at_the_url(nowhere):
    started = time.monotonic()
    with pytest.raises(NetworkError, match="No node answers") as caught:
        connect(nowhere)
    assert time.monotonic() - started < 5
    assert caught.value.exit_code == 7


def rpc_answer(result: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 0, "result": result}).encode()


@pytest.mark.parametrize(
    "answer",
    [
        (200, b"<html>It works!</html>"),
        (200, b""),
        (200, b"\xff\xfe\x00"),
        (200, b"[]"),
        (200, b"null"),
        (200, b"{}"),
        (200, rpc_answer("zebra")),
        (200, rpc_answer([1, 2])),
        (200, rpc_answer(None)),
        (200, rpc_answer("0x1")),
        (200, rpc_answer("0x0")),
        (200, b'{"jsonrpc": "2.0", "id": 0, "error": {"code": -32000, "message": "no"}}'),
        (404, b"not found"),
        (500, b"oops"),
    ],
)
def test_nonsense_is_a_network_error(serving, answer):
    with serving(lambda body: answer) as url, pytest.raises(NetworkError):
        connect(url)


def test_a_server_that_never_answers(serving, monkeypatch):
    monkeypatch.setattr(rpc, "PROBE_SECONDS", 0.1)
    given_up = threading.Event()

    def never(body: bytes) -> tuple[int, bytes]:
        assert given_up.wait(60)
        return 200, b""

    with serving(never) as url:
        started = time.monotonic()
        with pytest.raises(NetworkError):
            connect(url)
        assert time.monotonic() - started < 1.4
        given_up.set()


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1", "127.0.0.1:8545", "http://", "", "ipc:///x", "http://h:99999"]
)
def test_a_url_that_is_none(url):
    with pytest.raises(UsageError):
        connect(url)


def test_a_journal_has_no_url(tmp_path):
    with pytest.raises(UsageError):
        connect("http://127.0.0.1:1", journal=tmp_path / "chain.jsonl")


def test_secrets_of_a_url_are_not_shown(nowhere):
    port = nowhere.rpartition(":")[2]
    with pytest.raises(NetworkError) as caught:
        connect(f"http://user:hunter2@127.0.0.1:{port}/v3/secret-token?key=hidden")
    text = repr(caught.value) + str(caught.value) + json.dumps(caught.value.to_dict())
    assert not any(word in text for word in ("hunter2", "secret-token", "hidden", "user"))
    assert f"127.0.0.1:{port}" in text


@pytest.mark.parametrize("registry", ["0x12", "zebra", "0x" + "zz" * 20, 7])
def test_a_registry_that_is_no_address(registry):
    with pytest.raises((UsageError, MalformedError)):
        connect(registry=registry)


def test_a_registry_with_other_code():
    with pytest.raises(UsageError, match="no ProofRegistry"):
        connect(registry="0x" + "12" * 20)


def test_loopback_is_recognised():
    assert all(map(rpc.is_loopback, ("localhost", "127.0.0.1", "127.8.9.1", "::1")))
    assert not any(map(rpc.is_loopback, ("localhost.example.org", "10.0.0.1", "example.org")))


def test_repr_and_context_manager():
    with connect() as chain:
        assert repr(chain).startswith("Chain(eip155:131277322940537, embedded, signer 0x")
        assert chain.registries == ()
        assert list(chain.published()) == []
        assert chain.code_hash("0x" + "12" * 20).startswith("0xc5d2460186f7")
    chain.close()


def test_an_account_without_ether_says_so(pretended):
    from eth_account import Account

    with connect(signer=Account.create()) as chain, pytest.raises(SetupError, match="pay"):
        chain.publish(pretended.proof(pretended.key()), pretended.key())


@pytest.mark.parametrize("package", ["web3", "eth_tester"])
def test_without_the_extra(monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError) as caught:
        connect()
    assert "verifai[embedded]" in caught.value.hint


def test_importing_the_room_loads_no_client():
    program = (
        "import sys, verifai.chain\n"
        "print([name for name in ('web3', 'eth', 'eth_abi', 'requests') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "wrong", [{"url": 5}, {"url": b"http://x"}, {"journal": 5}, {"chain_id": 1.5}, {"terms": 3}]
)
def test_arguments_of_other_types(wrong):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        connect(**wrong)


def test_the_node_is_not_blamed_for_wrong_arguments():
    to = "0x" + "12" * 20
    with connect() as chain:
        for address in ("foo", "0x12", 5, None, "0x7e5f4552091a69125d5dfcb7b8c2659029395bdF"):
            with pytest.raises(UsageError, match="address"):
                chain.send_coins(address, 1)
        for wei in (-1, 1.5, "1", True, 1 << 256):
            with pytest.raises(UsageError, match="whole number"):
                chain.send_coins(to, wei)
        with pytest.raises(UsageError, match="address"):
            chain.code_hash("foo")
        with pytest.raises(UsageError, match="not an address"):
            chain.connection.sender.code("foo")
        for seconds in (-1, 1.5):
            with pytest.raises(UsageError, match="seconds"):
                chain.advance(seconds)
        assert chain.web3.eth.block_number == 0
        with pytest.raises(SetupError, match=r"sends 1000.* has 1000000\.") as caught:
            chain.send_coins(to, 10**30)
        assert caught.value.details["value_wei"] == str(10**30)


def test_confirmations_on_the_embedded_chain():
    with connect(terms=Terms(confirmations=5, patience_seconds=5)) as chain:
        chain.send_coins("0x" + "12" * 20, 1)
        assert chain.web3.eth.block_number == 5
