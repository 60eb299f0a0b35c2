"""One meaning per failure of a chain, whichever client library reports it.

A contract that says no is a :class:`Reverted`; everything that leaves the question open (no
connection, a time-out, an answer that makes no sense) is a NetworkError.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from verifai.errors import EnvironmentFault, NetworkError, UsageError, VerifaiError

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
}


class Reverted(Exception):
    """A call or transaction reverted. Internal: callers turn it into an error of theirs.

    Attributes:
        data: what it reverted with; empty if nothing, or if the node did not say.
    """

    def __init__(self, data: bytes, message: str) -> None:
        super().__init__(message)
        self.data = data


@contextmanager
def asking(what: str, url: str) -> Iterator[None]:
    """Translate what a chain client raises while it does ``what``.

    Raises:
        Reverted: a contract reverted.
        EnvironmentFault: the sender cannot pay.
        UsageError: what was asked about is no address.
        NetworkError: the node could not be reached, or answered an error or nonsense.
    """
    try:
        yield
    except (VerifaiError, Reverted):
        raise
    except Exception as error:
        raise translated(error, what, url) from None


def translated(error: Exception, what: str, url: str) -> Exception:
    """The error of ours that stands for a client library's ``error``."""
    import requests
    from web3 import exceptions

    if isinstance(error, exceptions.ContractLogicError):
        return Reverted(_bytes(error.data), str(error)[:500])
    if type(error).__name__ == "TransactionFailed":
        # eth-tester; the revert data, if any, is what its first argument was made from.
        cause = error.__context__ or error
        return Reverted(_bytes(cause.args[0] if cause.args else b""), str(error)[:500])
    if isinstance(error, exceptions.TimeExhausted):
        return NetworkError(
            f"Gave up on {what} at {url}: {error}",
            hint="The transaction may still be mined; publishing again finds it if it was.",
        )
    if isinstance(error, (requests.exceptions.ConnectionError, requests.exceptions.Timeout)):
        return NetworkError(
            f"No node answers at {url} ({what}).",
            hint="Is it running, and is the URL right?",
        )
    message = str(error)
    if isinstance(error, exceptions.InvalidAddress):
        return UsageError(f"{what}: not an address that can be asked about: {message[:200]}")
    if refusal(error) == "funds":
        return EnvironmentFault(
            f"The signer cannot pay for {what} ({message[:200]}).",
            hint="Fund its account on this chain.",
        )
    if isinstance(error, exceptions.Web3RPCError):
        return NetworkError(f"The node at {url} refused {what}: {message[:500]}")
    if url == "embedded":
        return NetworkError(
            f"The embedded chain refused {what} ({type(error).__name__}: {message[:200]})."
        )
    return NetworkError(
        f"What answers at {url} is no Ethereum node ({what}: {type(error).__name__}).",
        hint="The URL must be that of a JSON-RPC endpoint.",
    )


def refusal(error: Exception) -> str | None:
    """Why a node refused a signed transaction.

    Returns:
        ``known`` (it has it), ``replaces`` (it holds another of the same nonce, and this one does
        not pay enough more), ``nonce used`` (another one of the nonce is mined), ``underpriced``,
        ``funds``, ``other`` for a refusal in other words; None if the node did not answer the
        question at all, so that it may have taken the transaction.
    """
    from web3 import exceptions

    message = str(error).lower()
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
