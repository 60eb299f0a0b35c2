"""Whether a job is what a provider takes it for: looked at before a collateral is at stake.

A client chooses every field of a job's terms. One that no proof can meet, whatever the provider
does, would cost a provider that accepts it its collateral; the contract cannot tell, so this does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from verifai.backends.native.opening import commitment_of, opened
from verifai.chain.native.circuits import circuit_table
from verifai.chain.native.system import native_system
from verifai.circuit import SRS
from verifai.compact.table import circuit_id
from verifai.compact.words import WORD_BYTES
from verifai.errors import InputError, UsageError
from verifai.market.jobs import Job
from verifai.model.inputs import TensorInfo, check_batch
from verifai.proof import VerifyingKey
from verifai.verifier.native.check import public_tensors
from verifai.verifier.native.keccak import keccak256
from verifai.verifier.native.words import pack_words


def input_words(key: VerifyingKey, inputs: Any, batch: bool = False) -> bytes:
    """The public words of a circuit's inputs: what a client orders a proof about.

    Args:
        key: the circuit's verifying key.
        inputs, batch: as for :func:`verifai.prove`, openings of committed inputs included.

    Returns:
        16 bytes per word. Quantisation is the circuit's: ``floor(x * 2**scale + 1/2)``.

    Raises:
        InputError: another number of arrays, another shape, or a value that the circuit cannot
            hold. (A value that it can hold may still be beyond what it can prove.)
    """
    infos = [TensorInfo(spec.name, spec.shape, "float64") for spec in key.inputs]
    _, arrays = check_batch(infos, opened(key.inputs, inputs)[0], batch)
    tensors = iter(public_tensors(key))
    found: list[int] = []
    for spec, array in zip(key.inputs, arrays, strict=True):
        if spec.visibility != "public":
            continue
        tensor = next(tensors)
        raw = np.floor(array * 2.0**spec.scale + 0.5) - tensor.offset
        if not (np.isfinite(raw).all() and (raw >= 0).all() and (raw < 2**tensor.bits).all()):
            raise InputError(f"Input {spec.name!r} holds values that the circuit cannot.")
        row = spec.shape[-1] if spec.shape else 1
        found += pack_words([int(value) for value in raw.reshape(-1)], row, tensor.bits)
    return b"".join(word.to_bytes(WORD_BYTES, "big") for word in found)


def check_order(
    job: Job, vk: VerifyingKey, inputs: Any, batch: bool, srs: SRS | None = None
) -> None:
    """See :meth:`verifai.market.Market.check_input`."""
    check_circuit(job, vk, inputs, batch)
    check_words(job, vk, inputs, batch)
    openings = opened(vk.inputs, inputs)[1]
    if missing := {s.name for s in vk.inputs if s.visibility == "committed"} - openings.keys():
        raise UsageError(
            f"Committed inputs without openings: {', '.join(sorted(missing))}.",
            hint="The client has them: verifai.commit.",
        )
    names = (spec.name for spec in vk.inputs if spec.name in openings)
    check_linked(job, [bytes.fromhex(commitment_of(openings[name], srs)) for name in names])


def check_circuit(job: Job, vk: VerifyingKey, inputs: Any, batch: bool) -> None:
    """Whether the job is about this key's circuit, for as many inferences as there are inputs.

    Anyone may register a table of their own under a key's digest: the identifier is made again.
    """
    infos = [TensorInfo(spec.name, spec.shape, "float64") for spec in vk.inputs]
    count = check_batch(infos, opened(vk.inputs, inputs)[0], batch)[0]
    if job.terms.system != native_system():
        raise UsageError(f"Job {job.id} is about another proof system than the native one.")
    if job.terms.circuit != circuit_id(circuit_table(vk, count or 1)):
        raise UsageError(
            f"Job {job.id} is about another circuit than this key's for {count or 1} inference(s).",
            hint="No proof under this key can fulfil it: decline.",
        )


def check_words(job: Job, vk: VerifyingKey, inputs: Any, batch: bool) -> None:
    """Whether the public inputs are the job's."""
    if keccak256(input_words(vk, inputs, batch)) != job.terms.input_digest:
        raise _other_inputs(job, "The words that the client posted are in job.words.")


def check_linked(job: Job, inputs: Sequence[bytes]) -> None:
    """Whether the commitments of all committed inputs, in order, are the job's.

    A job may bind the first of them only; one that binds more has no proof.
    """
    bound = job.terms.linked_inputs
    if bound > len(inputs) or keccak256(b"".join(inputs[:bound])) != job.terms.linked_digest:
        raise _other_inputs(job, "The job is about committed inputs: ask for their openings.")


def _other_inputs(job: Job, hint: str) -> UsageError:
    return UsageError(f"These inputs are not those of job {job.id}.", hint=hint)
