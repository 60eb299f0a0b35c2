"""What was signed and may not be mined yet, written down before any node sees it.

A process that dies between signing and the receipt leaves its transaction here, and the next one
takes it up: the same bytes are sent again, never a second transaction with the same content. What
was mined stays for ``FINAL_BLOCKS`` more, in case a reorganisation takes it back. Files hold signed
transactions, which are public as soon as they are sent, and no keys.

One folder per chain (id and genesis) and signer, one file per nonce.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from verifai.errors import MalformedError
from verifai.evm.abi import keccak
from verifai.home import home
from verifai.proof.codec import canonical_json, hex_digest, parse_canonical_json
from verifai.proof.files import locked, replace_file
from verifai.proof.plain import from_plain, to_plain

FORMAT: Final = 1
#: A mined transaction is remembered until its block is this deep: two epochs of Ethereum, after
#: which a block is final.
FINAL_BLOCKS: Final = 64
#: How long to wait for another process that is signing for the same account.
LOCK_SECONDS: Final = 90.0


@dataclass(frozen=True)
class Version:
    """One signature over an entry's content; versions differ in their fees only.

    Attributes:
        hash: of the transaction, 64 hex characters.
        raw: the signed bytes; empty where the node signed as it sent.
    """

    hash: str
    raw: bytes


@dataclass(frozen=True)
class Entry:
    """One transaction. All versions have one nonce, so that at most one is ever mined.

    Attributes:
        nonce: of the signer's account.
        content: digest of recipient, value and data, 64 hex characters.
        versions: oldest first, at least one.
        block: where it was mined and reported to its caller; None while nobody has its receipt.
    """

    nonce: int
    content: str
    versions: tuple[Version, ...]
    block: int | None = None

    def to_bytes(self) -> bytes:
        return canonical_json({"format": FORMAT, **to_plain(self)})

    @classmethod
    def from_bytes(cls, data: bytes) -> Entry:
        """Strict inverse of :meth:`to_bytes`. Raises MalformedError."""
        value = parse_canonical_json(data)
        if not isinstance(value, dict) or value.pop("format", None) != FORMAT:
            raise MalformedError("Not an entry of this version.")
        found: Entry = from_plain(cls, value, "An entry")
        for digest in (found.content, *(version.hash for version in found.versions)):
            hex_digest(digest, "a hash")
        if not found.versions:
            raise MalformedError("An entry has at least one version.")
        return found


class Outbox:
    """The entries of one signer on one chain.

    Args:
        folder: where they are kept; None keeps them in memory, for a chain that dies with the
            process.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._memory: dict[int, Entry] = {}

    def entries(self) -> list[Entry]:
        """All entries by nonce.

        Raises:
            MalformedError: a file is damaged; the message names it.
        """
        if self._folder is None:
            return [self._memory[nonce] for nonce in sorted(self._memory)]
        found = []
        for path in self._folder.glob("*.json"):
            try:
                found.append(Entry.from_bytes(path.read_bytes()))
            except FileNotFoundError:
                continue  # another process is done with it
            except (MalformedError, OSError):
                raise MalformedError(
                    f"{path} is damaged.",
                    hint="Delete it once the account has no pending transaction of that nonce.",
                ) from None
        return sorted(found, key=lambda entry: entry.nonce)

    def keep(self, entry: Entry) -> None:
        """Write an entry; on return it is on disk."""
        if self._folder is None:
            self._memory[entry.nonce] = entry
        else:
            replace_file(self._path(entry), [entry.to_bytes()])

    def drop(self, entry: Entry) -> None:
        """Forget an entry, unless another content has taken its nonce meanwhile."""
        if self._folder is None:
            self._memory.pop(entry.nonce, None)
            return
        path = self._path(entry)
        with suppress(FileNotFoundError):
            if Entry.from_bytes(path.read_bytes()).content == entry.content:
                path.unlink()

    def locked(self) -> AbstractContextManager[None]:
        """Alone among the processes of this machine that sign for this account.

        Raises:
            SetupError: another one did not finish within ``LOCK_SECONDS``.
        """
        if self._folder is None:
            return nullcontext()
        return locked(
            self._folder / "lock",
            LOCK_SECONDS,
            "Another process has been signing for this account for LOCK_SECONDS "
            f"({LOCK_SECONDS:.0f} s).",
            "Is a hardware signer waiting for a button?",
        )

    def _path(self, entry: Entry) -> Path:
        assert self._folder is not None
        return self._folder / f"{entry.nonce}.json"

    def __repr__(self) -> str:
        return f"Outbox({len(self.entries())} entries)"


def default_folder(chain_id: str, genesis: str, address: str) -> Path:
    """``home()/chain/outbox/<chain>/<address>``."""
    chain = f"{chain_id.replace(':', '-')}-{genesis[2:18]}"
    return home() / "chain" / "outbox" / chain / address.lower()


def content_digest(to: str | None, value: int, data: bytes) -> str:
    """What makes two transactions of one signer the same: 64 hex characters."""
    recipient = bytes.fromhex(to[2:]) if to else b""
    head = len(recipient).to_bytes(1, "big") + recipient + value.to_bytes(32, "big")
    return keccak(head + data).hex()
