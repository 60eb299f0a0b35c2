"""Which contracts stand where, remembered between runs.

A remembered address is a hint: before it is used, the code that stands there is compared with the
code that ought to. Chains are told apart by chain id and genesis, because development nodes all
use the same few ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from verifai.errors import MalformedError
from verifai.home import home
from verifai.proof.codec import canonical_json, parse_canonical_json
from verifai.proof.files import locked, replace_file
from verifai.proof.plain import from_plain

_ByHash = Mapping[str, tuple[str, ...]]


class Deployments:
    """Addresses by code hash for one chain.

    Args:
        chain: ``eip155:N/0x<genesis hash>``.
        path: the file, default ``home()/chain/deployments.json``; None keeps them in memory only.
    """

    def __init__(self, chain: str, path: Path | None) -> None:
        self.chain = chain
        self.path = path
        self._known = {} if path is None else _load(path).get(chain, {})

    def at(self, code_hash: str) -> tuple[str, ...]:
        """Addresses where code with this hash was seen, oldest first."""
        return self._known.get(code_hash, ())

    def add(self, code_hash: str, address: str) -> None:
        """Remember an address; adding it again changes nothing."""
        if address in self.at(code_hash):
            return
        if self.path is None:
            self._known[code_hash] = (*self.at(code_hash), address)
            return
        with locked(self.path.with_suffix(".lock")):
            everything = _load(self.path)  # another process may have added some meanwhile
            self._known = everything.setdefault(self.chain, {})
            self._known[code_hash] = tuple(dict.fromkeys((*self.at(code_hash), address)))
            replace_file(self.path, [canonical_json(everything)])


def default_path() -> Path:
    """``home()/chain/deployments.json``."""
    return home() / "chain" / "deployments.json"


def _load(path: Path) -> dict[str, dict[str, tuple[str, ...]]]:
    """Addresses by chain and code hash."""
    try:
        value = parse_canonical_json(path.read_bytes())
        chains: dict[str, Any] = from_plain(Mapping[str, _ByHash], value, "What was deployed")
    except FileNotFoundError:
        return {}
    except (OSError, MalformedError):
        raise MalformedError(
            f"{path} is damaged.", hint="Delete it: contracts are found or deployed again."
        ) from None
    return chains
