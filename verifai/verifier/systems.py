"""Which function performs check 7 for which proof system, loaded when it is first needed.

The table holds names, not imports: this room depends on no backend, and an auditor who checks
proofs of one system needs the packages of no other.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final, Protocol, cast

from verifai.errors import UnsupportedError
from verifai.proof import Registration, Statement, VerifyingKey


class ProofSystem(Protocol):
    """The checks of one proof system: a module with these functions."""

    def check(self, key: VerifyingKey, statement: Statement, argument: bytes) -> None:
        """Check 7. Raises VerificationError unless the argument proves the statement."""
        ...

    def proof_bytes(self, key: VerifyingKey, statement: Statement) -> int:
        """The exact length of a proof of this statement."""
        ...

    def check_registration(self, key: VerifyingKey, registration: Registration) -> None:
        """Check 9. Raises unless it shows that the key's weights are in their ranges."""
        ...


_SYSTEMS: Final = {
    "ezkl": "verifai.backends.ezkl.check",
    "native": "verifai.verifier.native.check",
}
#: Systems whose proofs may be about several inferences: tensors then have a leading batch axis.
BATCHING: Final = frozenset({"native"})


def proof_system(backend: str) -> ProofSystem:
    """What checks the proofs of a backend.

    Raises:
        UnsupportedError: no verifier for that backend in this version.
    """
    if backend not in _SYSTEMS:
        raise UnsupportedError(
            f"This version cannot check {backend!r} proofs, only {sorted(_SYSTEMS)}."
        )
    return cast(ProofSystem, import_module(_SYSTEMS[backend]))
