"""Which contracts stand where, remembered between runs.

A remembered address is a hint: before it is used, the code that stands there is compared with the
code that ought to. Chains are told apart by chain id and genesis, because development nodes all
use the same few ids.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from verifai.errors import MalformedError
from verifai.home import home
from verifai.proof.codec import canonical_json, parse_canonical_json
from verifai.proof.files import locked, replace_file


class Deployments:
    """Addresses by code hash for one chain.

    Args:
        chain: ``eip155:N/0x<genesis hash>``.
        path: the file, default ``home()/chain/deployments.json``; None keeps them in memory only.
    """

    def __init__(self, chain: str, path: Path | None) -> None:
        self.chain = chain
        self.path = path
        self._known: dict[str, list[str]] = {}
        if path is not None:
            self._known = _section(_load(path), chain)

    def at(self, code_hash: str) -> tuple[str, ...]:
        """Addresses where code with this hash was seen, oldest first."""
        return tuple(self._known.get(code_hash, ()))

    def add(self, code_hash: str, address: str) -> None:
        """Remember an address; adding it again changes nothing."""
        if address in self._known.get(code_hash, ()):
            return
        self._known.setdefault(code_hash, []).append(address)
        if self.path is None:
            return
        with locked(
            self.path.with_suffix(".lock")
        ):  # another process may have added some meanwhile
            everything = _load(self.path)
            here = _section(everything, self.chain)
            if address not in here.setdefault(code_hash, []):
                here[code_hash].append(address)
            everything[self.chain] = here
            replace_file(self.path, [canonical_json(everything)])
        self._known = here

    def __repr__(self) -> str:
        return f"Deployments({self.chain[:40]}, {sum(map(len, self._known.values()))} contracts)"


def default_path() -> Path:
    """``home()/chain/deployments.json``."""
    return home() / "chain" / "deployments.json"


def _load(path: Path) -> dict[str, Any]:
    try:
        value = parse_canonical_json(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, MalformedError):
        value = None
    if not isinstance(value, dict):
        raise MalformedError(
            f"{path} is damaged.", hint="Delete it: contracts are found or deployed again."
        )
    return value


def _section(everything: dict[str, Any], chain: str) -> dict[str, list[str]]:
    section = everything.get(chain, {})
    if not isinstance(section, dict):
        return {}
    return {
        code_hash: [address for address in addresses if isinstance(address, str)]
        for code_hash, addresses in section.items()
        if isinstance(addresses, list)
    }
