"""What an audit asks of a chain and of a key store."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, Protocol

from verifai.errors import MalformedError, UsageError, VerifaiError
from verifai.proof import KeyStore, Proof, VerifyingKey
from verifai.proof.published import Published

#: The facts of a record that a report shows, all plain values, by the names that people read.
RECORD_FIELDS: Final = {
    "key_digest": "Verifying key",
    "statement_digest": "Statement",
    "bundle_digest": "Bundle",
    "publisher": "Publisher",
    "registry": "Registry",
    "router": "Router",
    "system": "Proof system",
    "verifier": "Accepting contract",
    "verifier_code_hash": "Its code hash",
    "block_number": "Block",
    "block_time": "Block time",
    "transaction_hash": "Transaction",
    "gas_used": "Gas",
    "chain_id": "Chain",
}
_NUMBERS: Final = frozenset({"block_number", "block_time", "gas_used"})


class AuditedChain(Protocol):
    """What an audit needs of a chain. All methods may raise any ``VerifaiError``."""

    @property
    def registries(self) -> tuple[str, ...]:
        """Addresses of the registries that :meth:`published` reads."""

    @property
    def empty(self) -> bool:
        """Whether it is known that nothing was published; False where no registry is known."""

    def published(self) -> Iterator[Published]:
        """Records, oldest first; what is wrong with the history as a whole is raised when all
        that can be read was given."""

    def bundle(self, record: Published, key: VerifyingKey) -> Proof:
        """The bundle that a record's calldata stand for.

        Raises:
            MalformedError: no statement of this key has such calldata.
        """

    def foreign(self, record: Published, key: VerifyingKey) -> str:
        """Why what accepted a record is not the verifier of the key that it claims, which anyone
        can claim; empty if it is."""

    def unestablished(self, record: Published, key: VerifyingKey) -> str:
        """What is not established of the key's own verifier having accepted a record; empty if all
        of it is."""

    def describe(self) -> dict[str, str | int]:
        """Which chain this is, in plain values."""


Keys = Callable[[str], VerifyingKey | None]
#: What an audit takes its keys from.
GivenKeys = KeyStore | str | os.PathLike[str] | Iterable[VerifyingKey] | None


def key_finder(keys: GivenKeys) -> Keys:
    """A function from a digest to the key that has it, or None.

    Args:
        keys: a store or its path, the keys themselves, or None for the store in the data folder.

    Raises:
        UsageError: none of these, or the store does not exist.
        MalformedError: one of the keys is what no file can hold.
    """
    if isinstance(keys, (str, os.PathLike)):
        keys = KeyStore(keys)
    if isinstance(keys, KeyStore) and not keys.folder.exists():
        raise UsageError(f"No such folder or file of verifying keys: {keys.folder}.")
    if keys is None or isinstance(keys, KeyStore):
        return _stored(KeyStore() if keys is None else keys)
    given = list(keys) if isinstance(keys, Iterable) else [keys]
    if isinstance(keys, VerifyingKey) or not all(isinstance(key, VerifyingKey) for key in given):
        raise UsageError(
            f"An audit takes a list of verifying keys, a store or its path, found {keys!r:.60}.",
            hint="keys=[key], keys=KeyStore(folder) or keys=folder",
        )
    # Read again, so that a digest kept in an object is not believed.
    read = [VerifyingKey.from_bytes(key.to_bytes()) for key in given]
    return {key.digest: key for key in read}.get


def _stored(store: KeyStore) -> Keys:
    @cache
    def index() -> tuple[dict[str, Path], list[str]]:
        """The files by the digest of the key that they hold, and the names of those that hold
        none."""
        found: dict[str, Path] = {}
        bad = []
        for path in store.files():
            try:
                key = VerifyingKey.load(path)
            except VerifaiError:
                bad.append(path.name)
            else:
                found[key.digest] = path
        return found, bad

    # A chain repeats few keys; each is megabytes to read and hash.
    @lru_cache(maxsize=8)
    def find(digest: str) -> VerifyingKey | None:
        paths, bad = index()
        if digest in paths:
            key = VerifyingKey.load(paths[digest])
            if key.digest == digest:
                return key
            raise MalformedError(f"{paths[digest]} changed during the audit")
        if bad:
            raise MalformedError(
                f"the key {digest[:16]} is not in the key store, where these are no keys: "
                + ", ".join(bad)
            )
        return None

    return find


def facts(record: Published) -> dict[str, str | int]:
    """The plain values of a record; what is not of the expected type becomes text, None nothing."""
    found: dict[str, str | int] = {}
    for name in RECORD_FIELDS:
        value = getattr(record, name, None)
        value = "" if value is None else value
        plain = type(value) is int if name in _NUMBERS else isinstance(value, str)
        found[name] = value if plain else str(value)
    return found
