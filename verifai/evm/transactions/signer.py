"""Who pays for transactions: an account of the node, a private key held here, or someone asked.

A private key never enters a ``repr``, a message, a log or an artefact. It is taken from the
environment, from an encrypted keystore or from an account object, never as a literal string,
because literals end up in shell histories and notebooks. A key that lives elsewhere (hardware, a
key service, another machine) is an :class:`ExternalSigner`, or any object with an ``address`` and
``sign``; what comes back is checked against what was asked before it is sent.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from verifai.errors import (
    MalformedError,
    SetupError,
    UnsupportedError,
    UsageError,
    VerifaiError,
)
from verifai.extras import require

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount
    from web3 import Web3

#: Name of the environment variable that holds a keystore's password.
PASSWORD_VARIABLE: Final = "VERIFAI_KEYSTORE_PASSWORD"
_MAX_KEYSTORE_BYTES: Final = 1 << 16


class Signer(Protocol):
    """Something that can sign a transaction in its own name."""

    @property
    def address(self) -> str:
        """Checksummed address (EIP-55)."""

    def sign(self, transaction: dict[str, Any]) -> bytes:
        """The raw signed form (EIP-2718, or legacy with EIP-155) of a complete transaction.

        Args:
            transaction: ``from``, ``chainId``, ``nonce``, ``gas``, ``value`` and the fees as
                integers, ``data`` and, but for a creation, ``to`` as 0x strings.
        """


class NodeAccount:
    """An account that the node itself holds unlocked, as development nodes do."""

    def __init__(self, web3: Web3, address: str) -> None:
        self._web3 = web3
        self.address = address

    def sign(self, transaction: dict[str, Any]) -> bytes:
        """Sign through ``eth_signTransaction``.

        Raises:
            UnsupportedError: the node signs only as it sends; see :meth:`send`.
        """
        question: Any = {
            name: hex(value) if isinstance(value, int) else value
            for name, value in transaction.items()
        }
        provider: Any = self._web3.provider
        answer = provider.make_request("eth_signTransaction", [question]).get("result")
        # geth and its kin give the bytes and the fields; anvil gives the bytes.
        raw = answer.get("raw") if isinstance(answer, Mapping) else answer
        if not isinstance(raw, str):
            raise UnsupportedError("The node signs only as it sends.")
        return bytes.fromhex(raw.removeprefix("0x"))

    def send(self, transaction: dict[str, Any]) -> bytes:
        """Send through ``eth_sendTransaction``; returns the hash."""
        return bytes(self._web3.eth.send_transaction(transaction))  # type: ignore[arg-type]

    def sign_typed(self, web3: Web3, message: Mapping[str, Any]) -> bytes:
        """Have the node sign, through ``eth_signTypedData_v4``."""
        # JSON numbers end at 2^53 in most nodes; the standard's values may be decimal strings.
        fields = {
            name: str(value) if type(value) is int else value
            for name, value in message["message"].items()
        }
        question = [self.address, {**message, "message": fields}]
        method: Any = "eth_signTypedData_v4"
        return bytes.fromhex(web3.manager.request_blocking(method, question).removeprefix("0x"))

    def __repr__(self) -> str:
        return f"NodeAccount({self.address})"


class KeyAccount:
    """A private key held in this process."""

    def __init__(self, account: LocalAccount) -> None:
        self._account = account

    @property
    def address(self) -> str:
        """Checksummed address (EIP-55)."""
        return str(self._account.address)

    def sign(self, transaction: dict[str, Any]) -> bytes:
        """Sign here."""
        return bytes(self._account.sign_transaction(transaction).raw_transaction)

    def sign_typed(self, web3: Web3, message: Mapping[str, Any]) -> bytes:
        """Sign here."""
        return bytes(self._account.sign_typed_data(full_message=dict(message)).signature)

    def __repr__(self) -> str:
        return f"KeyAccount({self.address})"


class ExternalSigner:
    """A key that lives elsewhere, behind a function.

    Args:
        address: of the account.
        sign: as :meth:`Signer.sign`. It may take its time, ask a person, and fail with a
            ``VerifaiError`` of its own; any other exception is reported by its type alone, because
            its message may quote a secret.

    Raises:
        MalformedError: not an address.
    """

    def __init__(self, address: str, sign: Callable[[dict[str, Any]], bytes]) -> None:
        from verifai.evm.abi import checksum

        self.address = checksum(address)
        self._sign = sign

    def sign(self, transaction: dict[str, Any]) -> bytes:
        """Ask for a signature.

        Raises:
            SetupError: the function failed, or returned no bytes.
        """
        try:
            raw = self._sign(dict(transaction))
        except VerifaiError:
            raise
        except Exception as error:
            raise SetupError(
                f"The signer of {self.address} failed ({type(error).__name__}); nothing was sent."
            ) from None
        if not isinstance(raw, (bytes, bytearray)):
            raise SetupError(
                f"The signer of {self.address} returned {type(raw).__name__}, not the signed bytes."
            )
        return bytes(raw)

    def __repr__(self) -> str:
        return f"ExternalSigner({self.address})"


def from_key(key: bytes) -> KeyAccount:
    """The account of a 32-byte private key.

    Raises:
        UsageError: no private key; the message does not quote it.
    """
    accounts = require("eth_account", "chain", "signing transactions")
    try:
        return KeyAccount(accounts.Account.from_key(key))
    except Exception:
        # The cause may quote the key, so it is neither chained nor shown.
        raise UsageError("A private key is 32 bytes (64 hex characters), not zero.") from None


def signer_from(signer: str | os.PathLike[str] | Any) -> Signer:
    """The signer that ``connect`` was given.

    Args:
        signer: name of an environment variable that holds a hex private key; path of a keystore
            file (Web3 Secret Storage, password in ``VERIFAI_KEYSTORE_PASSWORD``); an
            ``eth_account`` local account; or a :class:`Signer`.

    Raises:
        UsageError: none of these. What was given is never quoted: it may be a key.
        SetupError: the keystore's password variable is not set.
        MalformedError: the keystore cannot be read or decrypted.
    """
    if isinstance(signer, (str, os.PathLike)):
        text = os.fspath(signer)
        if re.fullmatch(r"(0x)?[0-9a-fA-F]{64}", text):
            raise UsageError(
                "A private key is not passed as a string: strings end up in histories and logs.",
                hint="Put it into an environment variable and pass the variable's name.",
            )
        if text in os.environ:
            try:
                return from_key(bytes.fromhex(os.environ[text].strip().removeprefix("0x")))
            except VerifaiError:
                raise
            except ValueError:
                raise UsageError(f"The variable {text} holds no hex private key.") from None
        if Path(text).is_file():
            return _keystore(Path(text))
    elif hasattr(signer, "sign_transaction") and hasattr(signer, "address"):
        return KeyAccount(signer)
    elif isinstance(signer, (KeyAccount, NodeAccount, ExternalSigner)):
        return signer
    elif callable(getattr(signer, "sign", None)) and isinstance(
        getattr(signer, "address", None), str
    ):
        return ExternalSigner(signer.address, signer.sign)
    raise UsageError(
        "signer is the name of a set environment variable, a keystore file, a local account, or "
        "an object with an address and sign(transaction).",
        hint="None takes the node's own unlocked account, if it has one.",
    )


def _keystore(path: Path) -> KeyAccount:
    password = os.environ.get(PASSWORD_VARIABLE)
    if password is None:
        raise SetupError(
            f"The keystore {path} needs its password.", hint=f"Set {PASSWORD_VARIABLE}."
        )
    accounts = require("eth_account", "chain", "signing transactions")
    if path.stat().st_size > _MAX_KEYSTORE_BYTES:
        raise MalformedError(f"{path} is too large for a keystore.")
    try:
        key = accounts.Account.decrypt(json.loads(path.read_text()), password)
    except Exception as error:
        raise MalformedError(
            f"The keystore {path} cannot be opened ({type(error).__name__}).",
            hint=f"Is it Web3 Secret Storage, and is {PASSWORD_VARIABLE} right?",
        ) from None
    return from_key(bytes(key))
