"""The same proof as ezkl's generated verifier contract takes it."""

from __future__ import annotations

from verifai.backends.ezkl.field import claims, instances
from verifai.backends.ezkl.keys import solidity
from verifai.backends.protocol import EvmCall
from verifai.errors import MalformedError
from verifai.proof import Proof, Statement, VerifyingKey


def evm_verifier(key: VerifyingKey) -> str:
    """Solidity source of ``Halo2Verifier`` for this key; the same key gives the same source."""
    parameters, vk, srs = (bytes(part) for part in key.material)
    return solidity(parameters, vk, srs)


def evm_call(key: VerifyingKey, statement: Statement, argument: bytes) -> EvmCall:
    """Proof bytes and instances."""
    return EvmCall(argument, tuple(instances(statement.inputs + statement.outputs)))


def from_evm_call(key: VerifyingKey, call: EvmCall) -> Proof:
    """The bundle that stands behind a transaction.

    Given the key, proof bytes and instances determine the bundle completely, so the chain itself
    is the archive: nobody can withhold a bundle whose transaction was mined.

    Raises:
        MalformedError: the instances are not canonical public values of this key.
    """
    tensors = claims(key.inputs + key.outputs, call.instances)
    if len(call.argument) != key.proof_bytes:
        raise MalformedError(
            f"The transaction carries a proof of {len(call.argument)} bytes; this key's have "
            f"{key.proof_bytes}."
        )
    count = len(key.inputs)
    return Proof.of(key.statement(tensors[:count], tensors[count:]), call.argument)
