"""Input -> proof, checked before it is handed out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifai.backends.native.keys import LoadedKey, load
from verifai.backends.native.opening import fresh_blindings, opened
from verifai.circuit import ProvingKey
from verifai.circuit.core import core
from verifai.circuit.witness import witness
from verifai.errors import InputError, InternalError
from verifai.graph import dequantise, quantise_inputs, run
from verifai.graph.integer import Integers
from verifai.model.inputs import TensorInfo, check_batch, without_batch_axis
from verifai.progress import Progress
from verifai.proof import Opening, Proof
from verifai.proof.opening import BLINDING_BYTES, RowLayout
from verifai.proof.tensor import TensorClaim, TensorSpec, batched
from verifai.verifier.native.check import context_bytes, words_of
from verifai.verifier.native.key import key_of
from verifai.verifier.native.linked import LinkedRows, linked_rows, tensor_commitments


def prove(
    key: ProvingKey,
    inputs: Any,
    batch: bool,
    context: Mapping[str, str | int] | None,
    progress: Progress,
) -> Proof:
    """See :meth:`verifai.backends.protocol.Backend.prove`."""
    loaded = load(key)
    inputs, linked_to = opened(key.circuit.inputs, inputs)
    added = [] if batch else without_batch_axis(_infos(key), inputs)
    axis = f" (batch axis added to {', '.join(added)})" if added else ""
    progress.stage(f"computing the witness{axis}")
    count, values = _run(key, loaded, inputs, batch)
    committed = witness(loaded.lowered, values, count or 1)
    bound = context_bytes(context)
    circuit = key_of(key.verifying_key).circuits.of(count or 1)
    linked = linked_rows(circuit, key.verifying_key.guarantees.srs_id)
    specs = batched(key.circuit.inputs + key.circuit.outputs, count)
    committed_specs = [spec for spec in specs if spec.visibility == "committed"]
    blindings = [
        _blindings(spec, rows, linked_to.get(spec.name))
        for spec, rows in zip(committed_specs, linked, strict=True)
    ]
    progress.stage("proving" if count is None else f"proving {count} inferences")
    try:
        words, argument = loaded.prover.prove(
            count or 1,
            [tensor.astype("<i8").tobytes() for tensor in committed],
            bound,
            linked=blindings,
        )
    except ValueError as error:
        raise InputError(f"The proving core cannot prove this input: {error}.") from None
    digests = iter(tensor_commitments(linked, argument))
    hidden = iter(zip(linked, blindings, strict=True))
    claims, openings = [], {}
    for spec, node in zip(specs, loaded.graph.inputs + loaded.graph.outputs, strict=True):
        integers = _integers(spec, values[node])
        if spec.visibility == "committed":
            claims.append(TensorClaim(spec, commitment=next(digests)))
            rows, blinding = next(hidden)
            openings[spec.name] = Opening(spec, rows.layout, integers, blinding)
        else:
            claims.append(TensorClaim(spec, integers if spec.visibility == "public" else None))
    end = len(key.circuit.inputs)
    statement = key.verifying_key.statement(claims[:end], claims[end:], context)
    progress.stage("checking the proof")
    table, commitments, tau_g2 = map(bytes, key.verifying_key.material)
    claimed = b"".join(word.to_bytes(32, "big") for word in words_of(key.verifying_key, statement))
    if claimed != words:
        raise InternalError("The statement's values are not those that were proved.")
    try:
        header = key.verifying_key.header_digest
        core().native_verify(header, table, commitments, tau_g2, count or 1, bound, words, argument)
    except ValueError as error:
        raise InternalError(f"The proof that was just made does not verify: {error}.") from None
    return replace(Proof.of(statement, argument), openings=openings)


def check_provable(key: ProvingKey, inputs: Any, several: bool) -> None:
    """Run the circuit as far as a proof needs it.

    Raises:
        InputError: as :func:`prove`: no proof covers these inputs.
    """
    loaded = load(key)
    batch, values = _run(key, loaded, opened(key.circuit.inputs, inputs)[0], several)
    witness(loaded.lowered, values, batch or 1)


def outputs(key: ProvingKey, inputs: Any, batch: bool) -> Sequence[NDArray[np.float64]]:
    """The circuit's own outputs on ``inputs``, without a proof."""
    loaded = load(key)
    count, values = _run(key, loaded, inputs, batch)
    specs = batched(key.circuit.outputs, count)
    return [
        dequantise(loaded.graph, node, values[node]).reshape(spec.shape)
        for node, spec in zip(loaded.graph.outputs, specs, strict=True)
    ]


def _infos(key: ProvingKey) -> list[TensorInfo]:
    """What is asked of inputs: the key holds it all, a prover needs no onnx."""
    return [TensorInfo(spec.name, spec.shape, "float64") for spec in key.circuit.inputs]


def _run(
    key: ProvingKey, loaded: LoadedKey, inputs: Any, several: bool
) -> tuple[int | None, list[Integers]]:
    """The batch (None for one inference) and all nodes' values, with a batch axis."""
    batch, arrays = check_batch(_infos(key), inputs, several)
    return batch, run(loaded.graph, quantise_inputs(loaded.graph, arrays), batch=True)


def _integers(spec: TensorSpec, values: Integers) -> tuple[int, ...]:
    flat = values.reshape(-1)
    if len(flat) != spec.size:  # an output that depends on no input has no batch axis
        flat = np.tile(flat, spec.size // len(flat))
    return tuple(int(value) for value in flat)


def _blindings(spec: TensorSpec, rows: LinkedRows, opening: Opening | None) -> bytes:
    """An opening's blindings, if its commitment can be this tensor's, or fresh ones.

    Raises:
        InputError: the opening's tensor has another form than this one.
    """
    if opening is None:
        return fresh_blindings(rows.count)
    if opening.layout != rows.layout:
        differ = [
            field.name
            for field in fields(RowLayout)
            if getattr(opening.layout, field.name) != getattr(rows.layout, field.name)
        ]
        hint = "Shapes, reference strings and NativeOptions(log_columns=...) must be the same."
        if "dims" in differ and opening.spec.shape == spec.shape:
            hint = (
                f"Values lie as {list(opening.layout.dims)} before a reshape or flatten, and as "
                f"{list(rows.layout.dims)} here: end the first model before it, begin the second "
                "with it."
            )
        raise InputError(
            f"The opening cannot be the input {spec.name!r}: they differ in {', '.join(differ)}.",
            hint=hint,
        )
    if len(opening.blindings) != BLINDING_BYTES * rows.count:
        raise InputError(f"The opening given as input {spec.name!r} is damaged.")
    return opening.blindings
