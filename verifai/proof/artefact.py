"""What all containers have in common: one encoding, a strict reader, files written atomically."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from verifai.proof import codec
from verifai.proof.codec import Section

Kind = TypeVar("Kind", bound="Artefact")


class Artefact:
    """A value that is one container (:mod:`verifai.proof.codec`).

    A class says what its container holds: ``_header`` and ``_sections`` give it, ``_from`` reads
    it. Files of which ``SECRET`` is true are readable by their owner only.
    """

    KIND: ClassVar[bytes]
    VERSION: ClassVar[int] = 1
    SECTIONS: ClassVar[int]
    LIMIT: ClassVar[int]
    SECRET: ClassVar[bool] = False

    def _header(self) -> dict[str, Any]:
        raise NotImplementedError

    def _sections(self) -> Sequence[Section]:
        raise NotImplementedError

    @classmethod
    def _from(cls: type[Kind], header: dict[str, Any], sections: list[memoryview]) -> Kind:
        raise NotImplementedError

    def to_bytes(self) -> bytes:
        """The one canonical encoding; of what is large :meth:`save`, which streams, is better."""
        return codec.pack(self.KIND, self.VERSION, self._header(), self._sections())

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the file atomically, what is secret readable by its owner only; return its path."""
        mode = 0o600 if self.SECRET else 0o644
        header, sections = self._header(), self._sections()
        return codec.write(path, self.KIND, self.VERSION, header, sections, mode)

    @classmethod
    def from_bytes(cls: type[Kind], data: Section) -> Kind:
        """Strict reader: shape and encoding only, no claim is checked.

        Raises:
            MalformedError: not the canonical encoding of such a value, or its parts do not belong
                together.
        """
        return cls._from(*codec.unpack(data, cls.KIND, cls.VERSION, cls.SECTIONS, limit=cls.LIMIT))

    @classmethod
    def load(cls: type[Kind], path: str | os.PathLike[str]) -> Kind:
        """Read a file. Raises as :meth:`from_bytes`."""
        return cls._from(*codec.read(path, cls.KIND, cls.VERSION, cls.SECTIONS, limit=cls.LIMIT))
