"""A real node, a pretended proof system, and things that only look like nodes."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.chain.clock import Clock
from tests.chain.node import Anvil, Shared, free_port
from tests.needs import skip_without
from verifai.backends import EvmCall
from verifai.chain import watch
from verifai.contracts.toolchain import find_node
from verifai.errors import SetupError
from verifai.evm.transactions import delivery
from verifai.proof import Guarantees, Proof, TensorClaim, TensorSpec, VerifyingKey

skip_without("eth_tester")


class Pretended:
    """A proof system whose proofs are the bytes 0x01 and whose contract knows it."""

    name = "ezkl"
    spec = TensorSpec("x", (2,), 0, "public")

    def key(self, name: str = "a") -> VerifyingKey:
        guarantees = Guarantees("ezkl", "0", True, "development", "00" * 32)
        material = (name.encode(), b"", b"")
        return VerifyingKey(
            "aa" * 32, "bb" * 32, "private", (self.spec,), (self.spec,), guarantees, 1, material
        )

    def proof(self, vk: VerifyingKey, *values: int, argument: bytes = b"\x01") -> Proof:
        claim = TensorClaim(self.spec, integers=values or (3, 4))
        return Proof.of(vk.statement((claim,), (claim,)), argument)

    def evm_verifier(self, vk: VerifyingKey) -> str:
        return (
            "// SPDX-License-Identifier: Apache-2.0\npragma solidity ^0.8.0;\n"
            "contract Halo2Verifier { function verifyProof(bytes calldata p, uint256[] calldata i) "
            'external pure returns (bool) { require(p.length == 1 && p[0] == 0x01, "no"); '
            f"return i.length == 2 && keccak256(p) != bytes32(uint256(0x{vk.digest[:8]})); }} }}"
        )

    def evm_call(self, vk: VerifyingKey, statement: object, argument: bytes) -> EvmCall:
        return EvmCall(argument, statement.inputs[0].integers)

    def from_evm_call(self, vk: VerifyingKey, call: EvmCall) -> Proof:
        return self.proof(vk, *call.instances, argument=call.argument)


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> Pretended:
    """Every key belongs to the pretended proof system; offline verification looks for 0x01."""
    from verifai.errors import VerificationError

    system = Pretended()

    def check(vk: object, statement: object, argument: bytes) -> None:
        if argument != b"\x01":
            raise VerificationError("not 0x01", check=7)

    monkeypatch.setattr("verifai.backends.get", lambda name: system)
    # The package exports a function of the module's name, so the module is found by its full one.
    module = sys.modules["verifai.verifier.verify"]
    checks = SimpleNamespace(check=check, proof_bytes=lambda key, statement: key.proof_bytes)
    monkeypatch.setattr(module, "proof_system", lambda name: checks)
    return system


def _needs_node() -> None:
    try:
        find_node()
    except SetupError:
        pytest.skip("npm is not available, so there is no way to install anvil")


@pytest.fixture(scope="session")
def _shared() -> Iterator[Shared]:
    _needs_node()
    shared = Shared()
    yield shared
    shared.end()


@pytest.fixture
def node(_shared: Shared) -> Anvil:
    """An anvil at its genesis, which the test shares with those before and after it: it leaves it
    alive, and its first block in place."""
    return _shared.lend()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time by which transactions are delivered and events watched for."""
    clock = Clock()
    for module in (delivery, watch):
        monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def start_anvil() -> Iterator[Callable[..., Anvil]]:
    """Starts an :class:`Anvil` of the test's own, and ends it."""
    _needs_node()
    started: list[Anvil] = []

    def start(*options: str, state: Path | None = None) -> Anvil:
        started.append(Anvil(*options, state=state))
        return started[-1]

    yield start
    for node in started:
        node.kill()


@pytest.fixture
def nowhere() -> str:
    """A URL on loopback where nothing listens."""
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture
def serving() -> Callable[..., AbstractContextManager[str]]:
    """``serving(answer)``: see :func:`_serving`."""
    return _serving


@contextmanager
def _serving(answer: Callable[[bytes], tuple[int, bytes]]) -> Iterator[str]:
    """An HTTP server on loopback that answers every POST with ``answer(body)``."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, data = answer(body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            with suppress(ConnectionError):  # the client may have given up
                self.end_headers()
                self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
