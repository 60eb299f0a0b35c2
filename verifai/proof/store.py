"""A folder of verifying keys, each file named by the digest of what it holds.

A key is fetched by its digest and the digest is recomputed, so the folder need not be trusted:
what is trusted is the digest, and that comes from the auditor's policy or the publisher.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from verifai.errors import MalformedError
from verifai.home import home
from verifai.proof.codec import hex_digest
from verifai.proof.key import VerifyingKey

_DIGEST: Final = re.compile("[0-9a-f]{64}")


class KeyStore:
    """Content-addressed verifying keys.

    Args:
        folder: where they lie; default ``home()/keys``.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        self.folder = Path(folder) if folder is not None else home() / "keys"

    def path(self, digest: str) -> Path:
        """Where the key with this digest lies, or would."""
        return self.folder / f"{hex_digest(digest, 'A key digest')}.vfk"

    def add(self, key: VerifyingKey) -> Path:
        """Keep a key; adding it again changes nothing."""
        path = self.path(key.digest)
        return path if path.is_file() else key.save(path)

    def get(self, digest: str) -> VerifyingKey | None:
        """The key with this digest, or None.

        Raises:
            MalformedError: the file holds something else than its name says.
        """
        path = self.path(digest)
        if not path.is_file():
            return None
        key = VerifyingKey.load(path)
        if key.digest != digest:
            raise MalformedError(f"{path} holds the key {key.digest}, not the one it is named for.")
        return key

    def files(self) -> list[Path]:
        """All key files, whatever their names, sorted; a store may also be one file."""
        return [self.folder] if self.folder.is_file() else sorted(self.folder.glob("*.vfk"))

    def __iter__(self) -> Iterator[str]:
        """Digests of the keys that lie under them, sorted."""
        stems = (path.stem for path in self.files())
        return (stem for stem in stems if _DIGEST.fullmatch(stem))

    def __repr__(self) -> str:
        return f"KeyStore({str(self.folder)!r}, {len(list(self))} keys)"
