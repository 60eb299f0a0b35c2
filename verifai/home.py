"""Where verifai keeps files between runs."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """``$VERIFAI_HOME``, else ``$XDG_DATA_HOME/verifai``, else ``~/.local/share/verifai``.

    Holds ``keys/`` (verifying keys by digest), ``srs/`` (fetched and development reference
    strings), ``tools/`` (the Solidity compiler) and ``chain/`` (the embedded chain's journal).
    Nothing in it is secret, and all but the journal can be made again.
    """
    if chosen := os.environ.get("VERIFAI_HOME"):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "verifai"
