"""Which function performs check 7 for which proof system, loaded when it is first needed.

The table holds names, not imports: this room depends on no backend, and an auditor who checks
proofs of one system needs the packages of no other.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Final

from verifai.errors import UnsupportedError
from verifai.proof import Statement, VerifyingKey

#: Raises :class:`~verifai.errors.VerificationError` unless the argument proves the statement.
ProofCheck = Callable[[VerifyingKey, Statement, bytes], None]

_SYSTEMS: Final = {"ezkl": ("verifai.backends.ezkl.check", "check")}


def proof_check(backend: str) -> ProofCheck:
    """The proof check of a backend.

    Raises:
        UnsupportedError: no verifier for that backend in this version.
    """
    if backend not in _SYSTEMS:
        raise UnsupportedError(
            f"This version cannot check {backend!r} proofs, only {sorted(_SYSTEMS)}."
        )
    module, name = _SYSTEMS[backend]
    check: ProofCheck = getattr(import_module(module), name)
    return check
