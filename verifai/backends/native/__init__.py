"""The project's own proof system (``docs/protocol.md``): sumchecks over one committed vector.

============  ==========================================================================
module        holds
============  ==========================================================================
``core``      the Rust module ``verifai._native``, or one sentence on how to get it
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

from collections.abc import Mapping, Sequence
from typing import Any

from verifai.backends.native import compiler, keys, prover
from verifai.backends.options import NativeOptions, Target
from verifai.backends.protocol import EvmCall
from verifai.circuit import SRS, Circuit, ProvingKey, Visibility
from verifai.errors import UnsupportedError
from verifai.model import Model
from verifai.progress import Progress
from verifai.proof import Proof, Registration, Statement, VerifyingKey
from verifai.verifier.native.check import check


class Native:
    """See :class:`verifai.backends.protocol.Backend`."""

    name = "native"

    def compile(
        self,
        model: Model,
        calibration: Any,
        visibility: Visibility,
        progress: Progress,
        options: NativeOptions,
        target: Target,
    ) -> Circuit:
        return compiler.compile(model, calibration, visibility, progress, options, target)

    def setup(
        self, circuit: Circuit, srs: SRS | str | None, progress: Progress
    ) -> tuple[ProvingKey, VerifyingKey]:
        return keys.setup(circuit, srs, progress)

    def prove(
        self,
        key: ProvingKey,
        inputs: Any,
        batch: bool,
        context: Mapping[str, str | int] | None,
        progress: Progress,
    ) -> Proof:
        return prover.prove(key, inputs, batch, context, progress)

    def prove_weights(self, key: ProvingKey, progress: Progress) -> Registration:
        return keys.prove_weights(key, progress)

    def check(self, key: VerifyingKey, statement: Statement, argument: bytes) -> None:
        check(key, statement, argument)

    def evm_verifier(self, key: VerifyingKey) -> str:
        raise _no_contract()

    def evm_call(self, key: VerifyingKey, statement: Statement, argument: bytes) -> EvmCall:
        raise _no_contract()

    def from_evm_call(self, key: VerifyingKey, call: EvmCall) -> Proof:
        raise _no_contract()

    def outputs(self, key: ProvingKey, inputs: Any, batch: bool) -> Sequence[Any]:
        return prover.outputs(key, inputs, batch)


def _no_contract() -> UnsupportedError:
    return UnsupportedError(
        "The native backend has one contract for all keys, none of its own for each.",
        hint="verifai.chain.connect().publish(proof, vk) finds or deploys it.",
    )
