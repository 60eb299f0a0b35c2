"""The ezkl backend (halo2 on BN254): complete, zero-knowledge, EVM-verifiable, slow.

ezkl is an optional package that users install themselves. It is treated as a hostile program:
see :mod:`verifai.backends.ezkl.process`. A :class:`~verifai.backends.protocol.Backend`.

=============  ==============================================================
module         holds
=============  ==============================================================
``operators``  what can be proved; everything else is refused by name
``settings``   ezkl's settings in canonical form: reproducible keys
``compiler``   model -> circuit, compared with the model
``keys``       circuit -> key pair
``prover``     input -> proof
``check``      check 7 of verification
``field``      public values, decoded by us
``evm``        the same proof for a contract
``process``    running ezkl: spawned, limited, killable
``worker``     the child process
=============  ==============================================================
"""

from __future__ import annotations

from verifai.backends.ezkl.check import check
from verifai.backends.ezkl.compiler import compile
from verifai.backends.ezkl.evm import evm_call, evm_verifier, from_evm_call
from verifai.backends.ezkl.keys import prove_weights, setup
from verifai.backends.ezkl.prover import outputs, prove

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
