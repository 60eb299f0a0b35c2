"""One meaning per failure of a chain, whichever client library reports it.

A call that reverts is a :class:`RevertedError`, which is no verdict yet:
:mod:`verifai.chain.verdict` says what it means. Everything else that leaves the question open (no
connection, a time-out, an answer that makes no sense) is a NetworkError.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from verifai.errors import (
    MalformedError,
    NetworkError,
    NetworkTimeoutError,
    SetupError,
    UnsupportedError,
    UsageError,
    VerifaiError,
)
from verifai.evm import abi

#: Why a node does not take a signed transaction, by what it says. Messages are of geth, reth,
#: anvil, erigon, nethermind, besu and py-evm; an order of tests, because some contain others.
_REFUSALS: Final[Mapping[str, tuple[str, ...]]] = {
    "known": ("already known", "alreadyknown", "known transaction", "already imported"),
    "replaces": (
        "replacement transaction underpriced",
        "could not replace existing",
        "replacementnotallowed",
    ),
    "nonce used": ("nonce too low", "oldnonce", "nonce is too low", "invalid transaction nonce"),
    "underpriced": (
        "transaction underpriced",
        "less than block base fee",
        "feetoolow",
        "gas price too low",
        "below configured minimum",
        "tip too low",
    ),
    "funds": (
        "insufficient funds",
        "insufficientfunds",
        "cannot afford",
        "enough balance",
        "upfront cost exceeds account balance",
    ),
    "gas": (
        "out of gas",
        "outofgas",
        "gas required exceeds",
        "exceeds block gas limit",
        "exceeds the block gas limit",
        "gas limit exceeded",
        "gas limit too high",
        "gas too high",
        "gas too low",
        "not enough gas",
        "gas_limit >",
    ),
    "size": ("oversized data", "oversized transaction", "max initcode size", "transaction size"),
}


class RevertedError(Exception):
    """A call or transaction reverted. Internal: callers turn it into an error of theirs.

    Its text is a few words: the reason in ``data`` if there is one, else what the node said.

    Attributes:
        data: what it reverted with; empty if nothing, or if the node did not say.
    """

    def __init__(self, data: bytes, said: str = "") -> None:
        super().__init__(reason(data) or said or "no reason given")
        self.data = data


def reason(data: bytes) -> str | None:
    """The text of a revert with ``Error(string)``, quoted; the number of a ``Panic(uint256)``; the
    selector of another error, in hex; None for data that are no error."""
    for signature, kind in (("Error(string)", "string"), ("Panic(uint256)", "uint256")):
        if data[:4] == abi.selector(signature):
            try:
                (value,) = abi.decode((kind,), data[4:], "a revert")
            except MalformedError:
                break
            return repr(value[:200]) if kind == "string" else f"panic 0x{value:02x}"
    return f"error 0x{data[:4].hex()}" if len(data) >= 4 else None


@contextmanager
def node_errors(what: str, url: str) -> Iterator[None]:
    """Translate what a chain client raises while it does ``what``.

    Raises:
        RevertedError: a contract reverted.
        SetupError: the sender cannot pay.
        UnsupportedError: it takes more gas, or more bytes, than the node lets a transaction have.
        UsageError: what was asked about is no address.
        NetworkError: the node could not be reached, or answered an error or nonsense.
    """
    try:
        yield
    except (VerifaiError, RevertedError):
        raise
    except Exception as error:
        raise translated(error, what, url) from None


def translated(error: Exception, what: str, url: str) -> Exception:
    """The error of ours that stands for a client library's ``error``."""
    import requests
    from web3 import exceptions

    if isinstance(error, exceptions.ContractLogicError):
        return RevertedError(_bytes(error.data), said(error))
    if type(error).__name__ == "TransactionFailed":
        # eth-tester; the revert data, if any, is what its first argument was made from.
        cause = error.__context__ or error
        return RevertedError(_bytes(cause.args[0] if cause.args else b""), said(error))
    if isinstance(error, exceptions.TimeExhausted):
        return NetworkTimeoutError(
            f"Gave up on {what} at {url}: {said(error)}",
            hint="The transaction may still be mined; publishing again finds it if it was.",
        )
    if isinstance(error, (requests.exceptions.ConnectionError, requests.exceptions.Timeout)):
        late = isinstance(error, requests.exceptions.Timeout)
        return (NetworkTimeoutError if late else NetworkError)(
            f"No node answers at {url} ({what}).",
            hint="Is it running, and is the URL right?",
        )
    message = said(error)
    if isinstance(error, exceptions.InvalidAddress):
        return UsageError(f"{what}: not an address that can be asked about: {message}")
    kind = refusal(error)
    if kind == "funds":
        return SetupError(
            f"The signer cannot pay for {what} ({message}).",
            hint="Fund its account on this chain.",
        )
    if kind in ("gas", "size"):
        measure = "gas" if kind == "gas" else "bytes"
        return UnsupportedError(
            f"The node at {url} does not let {what} have the {measure} that it takes ({message}).",
            hint="It was not sent, and nothing was checked. A chain with larger blocks holds it.",
        )
    if isinstance(error, exceptions.Web3RPCError):
        return NetworkError(f"The node at {url} refused {what}: {message}")
    if url == "embedded":
        return NetworkError(
            f"The embedded chain refused {what} ({type(error).__name__}: {message})."
        )
    return NetworkError(
        f"What answers at {url} is no Ethereum node ({what}: {type(error).__name__}).",
        hint="The URL must be that of a JSON-RPC endpoint.",
    )


def said(error: Exception) -> str:
    """What a node or a client library says in an exception: its words alone, at most 300
    characters, without the structure that carries them."""
    values: list[Any] = [getattr(error, "message", None), *error.args]
    response = getattr(error, "rpc_response", None)
    if isinstance(response, dict):
        values.insert(0, response.get("error"))
    for value in values:
        text = value.get("message") if isinstance(value, Mapping) else value
        if isinstance(text, str) and text:
            return text[:300]
    return type(error).__name__


def refusal(error: Exception) -> str | None:
    """Why a node refused a signed transaction.

    Returns:
        ``known`` (it has it), ``replaces`` (it holds another of the same nonce, and this one does
        not pay enough more), ``nonce used`` (another one of the nonce is mined), ``underpriced``,
        ``funds``, ``gas`` (more than it allows), ``size`` (more bytes than it takes), ``other``
        for a refusal in other words; None if the node did not answer the question at all, so that
        it may have taken the transaction.
    """
    from web3 import exceptions

    message = said(error).lower()
    for kind, words in _REFUSALS.items():
        if any(word in message for word in words):
            return kind
    in_process = type(error).__module__.startswith(("eth_tester.", "eth_utils.", "eth."))
    answered = isinstance(error, (exceptions.Web3RPCError, exceptions.ContractLogicError))
    return "other" if answered or in_process else None


def _bytes(data: Any) -> bytes:
    if isinstance(data, (bytes, bytearray)):
        return bytes(data)
    if isinstance(data, dict):  # some nodes wrap it: {"data": "0x..."} or {"0xhash": {...}}
        return _bytes(data.get("data"))
    if isinstance(data, str) and data.startswith("0x"):
        try:
            return bytes.fromhex(data[2:])
        except ValueError:
            return b""
    return b""
