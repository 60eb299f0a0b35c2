"""The project's own proof system (``docs/protocol.md``): sumchecks over one committed vector.

A :class:`~verifai.backends.protocol.Backend`.

============  ==========================================================================
module        holds
============  ==========================================================================
``compiler``  model -> integer graph -> operation table -> :class:`Circuit`
``faithful``  a graph within the tolerance, or where it is not
``keys``      circuit -> key pair
``prover``    input -> proof; batches
``opening``   a committed tensor shown to somebody
============  ==========================================================================

Proofs are zero-knowledge unless ``NativeOptions(zero_knowledge=False)`` was asked for; the
statement says which.
"""

from __future__ import annotations

from verifai.backends.native.compiler import compile
from verifai.backends.native.keys import prove_weights, setup
from verifai.backends.native.prover import outputs, prove
from verifai.backends.protocol import EvmCall
from verifai.errors import UnsupportedError
from verifai.proof import Proof, Statement, VerifyingKey
from verifai.verifier.native.check import check

__all__ = [
    "check",
    "compile",
    "evm_call",
    "evm_verifier",
    "from_evm_call",
    "outputs",
    "prove",
    "prove_weights",
    "setup",
]


def evm_verifier(key: VerifyingKey) -> str:
    raise _no_contract()


def evm_call(key: VerifyingKey, statement: Statement, argument: bytes) -> EvmCall:
    raise _no_contract()


def from_evm_call(key: VerifyingKey, call: EvmCall) -> Proof:
    raise _no_contract()


def _no_contract() -> UnsupportedError:
    return UnsupportedError(
        "The native backend has one contract for all keys, none of its own for each.",
        hint="verifai.chain.connect().publish(proof, vk) finds or deploys it.",
    )
