"""Whether a job is what a provider takes it for: looked at before a collateral is at stake.

A client chooses every field of a job's terms. One that no proof can meet, whatever the provider
does, would cost a provider that accepts it its collateral; the contract cannot tell, so this does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from verifai.backends.native.opening import commitment_of, opened
from verifai.chain.native.circuits import circuit_table
from verifai.chain.native.contract import native_system
from verifai.circuit import SRS
from verifai.compact.table import circuit_id
from verifai.compact.words import input_words
from verifai.errors import UsageError
from verifai.market.jobs import Job
from verifai.model.inputs import TensorInfo, check_batch
from verifai.proof import VerifyingKey
from verifai.verifier.native.keccak import keccak256


def check_order(job: Job, vk: VerifyingKey, inputs: Any, srs: SRS | None = None) -> None:
    """See :meth:`verifai.market.Market.check_input`."""
    check_circuit(job, vk, inputs)
    check_words(job, vk, inputs)
    openings = opened(vk.inputs, inputs)[1]
    if missing := {s.name for s in vk.inputs if s.visibility == "committed"} - openings.keys():
        raise UsageError(
            f"Committed inputs without openings: {', '.join(sorted(missing))}.",
            hint="The client has them: verifai.commit.",
        )
    names = (spec.name for spec in vk.inputs if spec.name in openings)
    check_linked(job, [bytes.fromhex(commitment_of(openings[name], srs)) for name in names])


def check_circuit(job: Job, vk: VerifyingKey, inputs: Any) -> None:
    """Whether the job is about this key's circuit, for as many inferences as there are inputs.

    Anyone may register a table of their own under a key's digest: the identifier is made again.
    """
    infos = [TensorInfo(spec.name, spec.shape, "float64") for spec in vk.inputs]
    batch = check_batch(infos, opened(vk.inputs, inputs)[0])[0]
    if job.terms.system != native_system():
        raise UsageError(f"Job {job.id} is about another proof system than the native one.")
    if job.terms.circuit != circuit_id(circuit_table(vk, batch or 1)):
        raise UsageError(
            f"Job {job.id} is about another circuit than this key's for {batch or 1} inference(s).",
            hint="No proof under this key can fulfil it: decline.",
        )


def check_words(job: Job, vk: VerifyingKey, inputs: Any) -> None:
    """Whether the public inputs are the job's."""
    if keccak256(input_words(vk, inputs)) != job.terms.input_digest:
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
