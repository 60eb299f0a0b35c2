"""Which function performs check 7 for which proof system, loaded when it is first needed.

The table holds names, not imports: this room depends on no backend, and an auditor who checks
proofs of one system needs the packages of no other.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

from verifai.errors import UnsupportedError
from verifai.proof import Registration, Statement, VerifyingKey

#: Raises :class:`~verifai.errors.VerificationError` unless the argument proves the statement.
ProofCheck = Callable[[VerifyingKey, Statement, bytes], None]
#: Raises unless the registration shows that the key's weights are in their ranges.
RegistrationCheck = Callable[[VerifyingKey, Registration], None]
#: The exact length of a proof of this statement.
ProofLength = Callable[[VerifyingKey, Statement], int]

_SYSTEMS: Final = {
    "ezkl": "verifai.backends.ezkl.check",
    "native": "verifai.verifier.native.check",
}
#: Systems whose proofs may be about several inferences: tensors then have a leading batch axis.
BATCHING: Final = frozenset({"native"})


def proof_check(backend: str) -> ProofCheck:
    """The proof check of a backend.

    Raises:
        UnsupportedError: no verifier for that backend in this version.
    """
    check: ProofCheck = _module(backend).check
    return check


def proof_length(backend: str) -> ProofLength:
    """What tells the length of a backend's proofs. Raises as :func:`proof_check`."""
    length: ProofLength = _module(backend).proof_bytes
    return length


def registration_check(backend: str) -> RegistrationCheck:
    """What checks a registration proof, check 9. Raises as :func:`proof_check`, or if the backend
    has no such proofs.
    """
    module = _module(backend)
    if not hasattr(module, "check_registration"):
        raise UnsupportedError(
            f"Keys of the {backend} backend have no registration: its circuits fix the weights."
        )
    check: RegistrationCheck = module.check_registration
    return check


def _module(backend: str) -> Any:
    if backend not in _SYSTEMS:
        raise UnsupportedError(
            f"This version cannot check {backend!r} proofs, only {sorted(_SYSTEMS)}."
        )
    return import_module(_SYSTEMS[backend])
