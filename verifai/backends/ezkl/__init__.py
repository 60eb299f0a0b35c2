"""The ezkl backend (halo2 on BN254): complete, zero-knowledge, EVM-verifiable, slow.

ezkl is an optional package that users install themselves. It is treated as a hostile program:
see :mod:`verifai.backends.ezkl.process`.

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

from collections.abc import Mapping, Sequence
from typing import Any

from verifai.backends.ezkl.check import check
from verifai.backends.ezkl.compiler import compile_model
from verifai.backends.ezkl.evm import evm_call, evm_verifier, from_evm_call
from verifai.backends.ezkl.keys import setup
from verifai.backends.ezkl.prover import circuit_outputs, prove
from verifai.backends.options import EzklOptions, Target
from verifai.backends.protocol import EvmCall
from verifai.circuit import SRS, Circuit, ProvingKey, Visibility
from verifai.errors import UnsupportedError
from verifai.model import Model
from verifai.progress import Progress
from verifai.proof import Proof, Registration, Statement, VerifyingKey


class Ezkl:
    """:class:`~verifai.backends.protocol.Backend` on top of ezkl 23.0.5 or later."""

    name = "ezkl"

    def compile(
        self,
        model: Model,
        calibration: Any,
        visibility: Visibility,
        progress: Progress,
        options: EzklOptions,
        target: Target,
    ) -> Circuit:
        """Compile; ezkl lays all its circuits out for contracts, whatever the target is."""
        return compile_model(model, calibration, visibility, progress, options)

    def setup(
        self, circuit: Circuit, srs: SRS | str | None, progress: Progress
    ) -> tuple[ProvingKey, VerifyingKey]:
        return setup(circuit, srs, progress)

    def prove(
        self,
        key: ProvingKey,
        inputs: Any,
        batch: bool,
        context: Mapping[str, str | int] | None,
        progress: Progress,
    ) -> Proof:
        _one(batch)
        return prove(key, inputs, context, progress)

    def prove_weights(self, key: ProvingKey, progress: Progress) -> Registration:
        raise UnsupportedError(
            "Keys of the ezkl backend need no registration: its circuits fix the weights."
        )

    def check(self, key: VerifyingKey, statement: Statement, argument: bytes) -> None:
        check(key, statement, argument)

    def evm_verifier(self, key: VerifyingKey) -> str:
        return evm_verifier(key)

    def evm_call(self, key: VerifyingKey, statement: Statement, argument: bytes) -> EvmCall:
        return evm_call(key, statement, argument)

    def from_evm_call(self, key: VerifyingKey, call: EvmCall) -> Proof:
        return from_evm_call(key, call)

    def outputs(self, key: ProvingKey, inputs: Any, batch: bool) -> Sequence[Any]:
        _one(batch)
        return circuit_outputs(key, inputs)


def _one(batch: bool) -> None:
    if batch:
        raise UnsupportedError(
            "A proof of the ezkl backend is of one inference.",
            hint="Leave batch out, or compile for the native backend.",
        )
