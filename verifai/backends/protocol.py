"""What a proof system must offer. Nothing outside this room asks which one it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from verifai.backends.options import Target
from verifai.circuit import SRS, Circuit, ProvingKey, Visibility
from verifai.model import Model
from verifai.progress import Progress
from verifai.proof import Proof, Registration, Statement, VerifyingKey


@dataclass(frozen=True)
class EvmCall:
    """A proof as the backend's verifier contract takes it.

    Attributes:
        argument: proof bytes.
        instances: public field elements, each below the BN254 scalar modulus.
    """

    argument: bytes
    instances: tuple[int, ...]


class Backend(Protocol):
    """A proof system: a module with these functions, which raise
    :class:`~verifai.errors.VerifaiError` and nothing else.
    """

    def compile(
        self,
        model: Model,
        calibration: Any,
        visibility: Visibility,
        progress: Progress,
        options: Any,
        target: Target,
    ) -> Circuit:
        """Turn a model into a circuit, or refuse naming every unsupported node.

        Args:
            options: the backend's own, of :mod:`verifai.backends.options`.
        """
        ...

    def setup(
        self, circuit: Circuit, srs: SRS | str | None, progress: Progress
    ) -> tuple[ProvingKey, VerifyingKey]:
        """Make the key pair; ``srs`` None means the cached development string."""
        ...

    def prove(
        self,
        key: ProvingKey,
        inputs: Any,
        batch: bool,
        context: Mapping[str, str | int] | None,
        progress: Progress,
    ) -> Proof:
        """Prove one inference, or a batch of them. The proof that is returned has passed
        :meth:`check`.
        """
        ...

    def prove_weights(self, key: ProvingKey, progress: Progress) -> Registration:
        """Show, once for a key, that its committed weights are in their ranges."""
        ...

    def check(self, key: VerifyingKey, statement: Statement, argument: bytes) -> None:
        """Check 7. Raises VerificationError unless ``argument`` proves ``statement``."""
        ...

    def outputs(self, key: ProvingKey, inputs: Any, batch: bool) -> Sequence[Any]:
        """The circuit's own outputs (float64 arrays) on ``inputs``, without a proof."""
        ...


class ContractBackend(Backend, Protocol):
    """One whose keys have a contract each, made for it; native keys share one."""

    def evm_verifier(self, key: VerifyingKey) -> str:
        """Solidity source of a contract ``Halo2Verifier`` with
        ``verifyProof(bytes proof, uint256[] instances) returns (bool)``.
        """
        ...

    def evm_call(self, key: VerifyingKey, statement: Statement, argument: bytes) -> EvmCall:
        """The proof in the form that contract takes."""
        ...

    def from_evm_call(self, key: VerifyingKey, call: EvmCall) -> Proof:
        """Inverse of :meth:`evm_call`: the bundle that a transaction's calldata stands for.

        Raises:
            MalformedError: the instances are no canonical public values of this key.
        """
        ...
