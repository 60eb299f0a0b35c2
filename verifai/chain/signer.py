"""Who pays for transactions: an account of the node, or a private key held here.

A private key never enters a ``repr``, a message, a log or an artefact. It is taken from the
environment, from an encrypted keystore or from an account object, never as a literal string,
because literals end up in shell histories and notebooks.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from verifai.errors import EnvironmentFault, MalformedError, UsageError
from verifai.extras import require

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount
    from web3 import Web3

#: Name of the environment variable that holds a keystore's password.
PASSWORD_VARIABLE: Final = "VERIFAI_KEYSTORE_PASSWORD"
_MAX_KEYSTORE_BYTES: Final = 1 << 16


class Signer(Protocol):
    """Something that can send a transaction in its own name."""

    @property
    def address(self) -> str:
        """Checksummed address (EIP-55)."""
        ...

    def send(self, web3: Web3, transaction: dict[str, Any]) -> bytes:
        """Send a complete transaction; returns its hash."""
        ...

    def sign_typed(self, web3: Web3, message: Mapping[str, Any]) -> bytes:
        """Sign structured data (EIP-712); returns 65 bytes."""
        ...


class NodeAccount:
    """An account that the node itself holds unlocked, as development nodes do."""

    def __init__(self, address: str) -> None:
        self.address = address

    def send(self, web3: Web3, transaction: dict[str, Any]) -> bytes:
        """Send through ``eth_sendTransaction``."""
        return bytes(web3.eth.send_transaction(transaction))  # type: ignore[arg-type]

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

    def send(self, web3: Web3, transaction: dict[str, Any]) -> bytes:
        """Sign here and send through ``eth_sendRawTransaction``."""
        signed = self._account.sign_transaction(transaction)
        return bytes(web3.eth.send_raw_transaction(signed.raw_transaction))

    def sign_typed(self, web3: Web3, message: Mapping[str, Any]) -> bytes:
        """Sign here."""
        return bytes(self._account.sign_typed_data(full_message=dict(message)).signature)

    def __repr__(self) -> str:
        return f"KeyAccount({self.address})"


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


def named(signer: str | os.PathLike[str] | Any) -> Signer:
    """The signer that ``connect`` was given.

    Args:
        signer: name of an environment variable that holds a hex private key; path of a keystore
            file (Web3 Secret Storage, password in ``VERIFAI_KEYSTORE_PASSWORD``); or an
            ``eth_account`` local account.

    Raises:
        UsageError: none of these. What was given is never quoted: it may be a key.
        EnvironmentFault: the keystore's password variable is not set.
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
            except ValueError:
                raise UsageError(f"The variable {text} holds no hex private key.") from None
        if Path(text).is_file():
            return _keystore(Path(text))
    elif hasattr(signer, "sign_transaction") and hasattr(signer, "address"):
        return KeyAccount(signer)
    raise UsageError(
        "signer is the name of a set environment variable, a keystore file, or a local account.",
        hint="None takes the node's own unlocked account, if it has one.",
    )


def _keystore(path: Path) -> KeyAccount:
    password = os.environ.get(PASSWORD_VARIABLE)
    if password is None:
        raise EnvironmentFault(
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
