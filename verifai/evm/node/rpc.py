"""A node behind an HTTP JSON-RPC endpoint: found quickly, or reported quickly."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from verifai.errors import NetworkError, UsageError
from verifai.evm.node.faults import node_errors
from verifai.evm.transactions.signer import NodeAccount, Signer
from verifai.extras import require

if TYPE_CHECKING:
    import requests
    from web3 import Web3

#: A node that does not take a connection within this is not there.
CONNECT_SECONDS: Final = 5.0
#: The first question must be answered within this.
PROBE_SECONDS: Final = 10.0
#: Any later one: gas estimation of a large proof is the slowest.
ANSWER_SECONDS: Final = 60.0


def open_node(url: str) -> tuple[Web3, Callable[[], None]]:
    """A client for the node at ``url``, after it has shown that it is one, and how to hang up.

    Raises:
        UsageError: not an http or https URL.
        NetworkError: nothing answers there, or what answers is no Ethereum node.
        MissingExtraError: web3 is not installed.
    """
    try:
        parts = urlsplit(url)
        scheme, host = parts.scheme, parts.hostname
        _ = parts.port  # may be out of range
    except ValueError:
        scheme, host = "", None
    if scheme not in ("http", "https") or not host:
        raise UsageError(
            "A chain's URL begins with http:// or https:// and names a host.",
            hint="For example http://127.0.0.1:8545; without a URL it is the embedded chain.",
        )
    web3 = require("web3", "chain", "talking to a node")
    session = _session_class()()
    # A proxy cannot reach this machine's own loopback.
    session.trust_env = not is_loopback(host)
    timeout = {"timeout": (CONNECT_SECONDS, PROBE_SECONDS)}
    provider = web3.HTTPProvider(
        url, request_kwargs=timeout, session=session, exception_retry_configuration=None
    )
    client: Web3 = web3.Web3(provider)
    shown = public_url(url)
    try:
        _probe(client, shown)
    except BaseException:
        session.close()
        raise
    timeout["timeout"] = (CONNECT_SECONDS, ANSWER_SECONDS)
    return client, session.close


@lru_cache(maxsize=1)
def _session_class() -> type[requests.Session]:
    """A session that no two processes speak through; its base class is an optional package."""
    import requests

    class Session(requests.Session):
        def __init__(self) -> None:
            super().__init__()
            self._owner = os.getpid()
            self._inherited: list[Any] = []

        def send(self, request: Any, **options: Any) -> Any:
            if self._owner != os.getpid():  # in a forked child
                # kept: closing them would say goodbye to the node in the parent's name
                self._inherited += self.adapters.values()
                for scheme in ("https://", "http://"):
                    self.mount(scheme, requests.adapters.HTTPAdapter())
                self._owner = os.getpid()
            return super().send(request, **options)

    return Session


def _probe(client: Web3, shown: str) -> None:
    with node_errors("the chain id", shown):
        chain_id = client.eth.chain_id
        genesis = client.eth.get_block(0)
        if type(chain_id) is not int or chain_id <= 0 or len(bytes(genesis["hash"])) != 32:
            raise NetworkError(f"What answers at {shown} is no Ethereum node.")


def first_unlocked(client: Web3, url: str) -> Signer:
    """The account that the node holds itself.

    Raises:
        UsageError: it holds none.
    """
    accounts: Sequence[str] = ()
    with suppress(NetworkError), node_errors("its accounts", url):
        accounts = client.eth.accounts  # many public nodes refuse the question
    if not accounts:
        raise UsageError(
            f"The node at {url} holds no account of its own, so sending needs a signer.",
            hint="connect(url, signer='NAME_OF_AN_ENVIRONMENT_VARIABLE') or a keystore path.",
        )
    return NodeAccount(client, str(accounts[0]))


def public_url(url: str) -> str:
    """``url`` without what may be secret: user, password, path and query hold access tokens."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}"


def is_loopback(host: str) -> bool:
    """Whether a host name means this machine."""
    with suppress(ValueError):
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    return False
