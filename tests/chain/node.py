"""A real node that can be killed and started again or shared, and a provider that loses what it is
told."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verifai.contracts.toolchain import npm_install
from verifai.home import home

if TYPE_CHECKING:
    from web3 import Web3

#: Nothing that a test starts outlives this; a node that all tests share lives as long as they do.
ANVIL_SECONDS = 3600
#: Anvil's first account: public knowledge.
RICH = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def anvil_binary() -> Path:
    target = npm_install(Path(__file__).parent / "anvil", home() / "tools" / "anvil-1.7.1", "anvil")
    binary = target / "node_modules" / "@foundry-rs" / "anvil-linux-amd64" / "bin" / "anvil"
    binary.chmod(0o755)
    return binary


def rich() -> Any:
    """The account that pays, as a signer."""
    from eth_account import Account

    return Account.from_key(RICH)


class Anvil:
    """An anvil process on a fixed port; every instance is a chain of its own.

    Args:
        options: more of its command line.
        state: a file that it keeps its chain in, written at a polite end.
    """

    def __init__(self, *options: str, state: Path | None = None) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._options = list(options)
        if "--chain-id" not in options:
            self._options += ["--chain-id", str(10_000 + secrets.randbelow(1 << 40))]
        if state is not None:
            self._options += ["--state", str(state)]
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        import requests

        limit = shutil.which("timeout")
        prefix = [limit, "-k", "2", str(ANVIL_SECONDS)] if limit else []
        command = [str(anvil_binary()), "--host", "127.0.0.1", "--port", str(self.port)]
        self._process = subprocess.Popen(
            [*prefix, *command, "--silent", *self._options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + 30
        while True:
            try:
                self.web3.eth.chain_id  # noqa: B018
                return
            except requests.exceptions.RequestException:
                assert self._process.poll() is None, f"anvil ended: {self._process.returncode}"
                assert time.monotonic() < deadline, "anvil does not answer"
                time.sleep(0.05)

    def kill(self) -> None:
        """As a power cut does."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Politely: it writes its state."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, number)
            self._process.wait()

    @property
    def web3(self) -> Web3:
        from web3 import HTTPProvider, Web3

        return Web3(HTTPProvider(self.url, exception_retry_configuration=None))

    def ask(self, method: str, *parameters: Any) -> Any:
        answer = self.web3.provider.make_request(method, list(parameters))
        assert "error" not in answer, answer
        return answer["result"]

    def mine(self, count: int = 1) -> None:
        self.ask("anvil_mine", hex(count))

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None


@dataclass(frozen=True)
class Condition:
    """What a test can see of a node that it did not start itself.

    Attributes:
        block: number and hash of the newest one.
        pool: transactions that wait.
        rich: balance and nonce of the account that pays.
        next_block: base fee, gas limit.
        mining: whether each transaction is mined as it comes.
    """

    block: tuple[int, str]
    pool: tuple[int, int]
    rich: tuple[int, int]
    next_block: tuple[str | None, str]
    mining: bool

    @classmethod
    def of(cls, node: Anvil) -> Condition:
        latest, pending = (
            node.ask("eth_getBlockByNumber", tag, False) for tag in ("latest", "pending")
        )
        pool = node.ask("txpool_status")
        address = rich().address
        return cls(
            (int(latest["number"], 16), latest["hash"]),
            (int(pool["pending"], 16), int(pool["queued"], 16)),
            (node.web3.eth.get_balance(address), node.web3.eth.get_transaction_count(address)),
            (pending.get("baseFeePerGas"), pending["gasLimit"]),
            node.ask("anvil_getAutomine"),
        )


class Shared:
    """One anvil that tests have one after the other. Each finds it as the first one did.

    Args:
        options: of its command line.
        begin: what has to stand there before the first test.
    """

    def __init__(self, *options: str, begin: Callable[[Anvil], None] = lambda node: None) -> None:
        self._options, self._begin = options, begin
        self._node: Anvil | None = None

    def lend(self) -> Anvil:
        """The node at its beginning; a new one, where a test has ended the last."""
        forget_chains()
        if self._node is None or not self._node.alive:
            self._node = Anvil(*self._options)
            self._begin(self._node)
            self._first = Condition.of(self._node)
        else:
            try:
                self._go_back(self._node)
                assert Condition.of(self._node) == self._first
            except BaseException:
                self.end()  # the next test gets a new one
                raise
        self._snapshot = self._node.ask("evm_snapshot")  # going back uses one up
        return self._node

    def _go_back(self, node: Anvil) -> None:
        assert node.ask("evm_revert", self._snapshot), "the node has no snapshot any more"
        node.ask("anvil_dropAllTransactions")
        node.ask("evm_setAutomine", self._first.mining)
        base_fee, _ = self._first.next_block
        if base_fee is not None:
            node.ask("anvil_setNextBlockBaseFeePerGas", base_fee)
        node.ask("evm_setTime", int(time.time()))  # else it goes on from the snapshot's

    def end(self) -> None:
        if self._node is not None:
            self._node.kill()
            self._node = None


def forget_chains() -> None:
    """What this machine remembers of nodes' chains: addresses, and transactions on their way."""
    (home() / "chain" / "deployments.json").unlink(missing_ok=True)
    shutil.rmtree(home() / "chain" / "outbox", ignore_errors=True)


class Faulty:
    """Another provider, and what happens to some questions.

    Args:
        inner: the real one.
        faults: for each method, what to do with its questions in turn: ``lost`` (it never
            arrives), ``deaf`` (it arrives, the answer does not), ``twice`` (it is asked twice, and
            the second answer passed on), an answer in its place, a function of the result, or None
            for no fault.
    """

    def __init__(self, inner: Any, faults: dict[str, list[Any]]) -> None:
        self.inner = inner
        self.faults = faults
        self.asked: list[str] = []
        self.before: Callable[[str, Any], None] = lambda method, parameters: None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def request_func(self, web3: Web3, middleware: Any) -> Any:
        """As in web3's base class, which is imported no earlier than a test needs it."""
        from web3.middleware import combine_middleware

        return combine_middleware(middleware.as_tuple_of_middleware(), web3, self.make_request)

    def make_request(self, method: Any, params: Any) -> Any:
        import requests

        self.asked.append(method)
        self.before(method, params)
        fault = self.faults[method].pop(0) if self.faults.get(method) else None
        if fault == "lost":
            raise requests.exceptions.ConnectionError("lost")
        if isinstance(fault, dict):
            return fault
        answer = self.inner.make_request(method, params)
        if fault == "deaf":
            raise requests.exceptions.ConnectionError("deaf")
        if callable(fault):
            answer = {**answer, "result": fault(answer["result"])}
        if fault == "twice":
            answer = self.inner.make_request(method, params)
        return answer


def refused(message: str) -> dict[str, Any]:
    """A node's answer that refuses."""
    return {"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": message}}
