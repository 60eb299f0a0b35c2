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
from verifai.verifier.native.check import check

__all__ = [
    "check",
    "compile",
    "outputs",
    "prove",
    "prove_weights",
    "setup",
]
