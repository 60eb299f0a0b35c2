"""Input -> proof, checked before it is handed out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verifai.backends.native.core import core
from verifai.backends.native.keys import LoadedKey, load
from verifai.circuit import ProvingKey
from verifai.circuit.witness import witness
from verifai.errors import InputError, InternalError
from verifai.graph import dequantise, quantise_inputs, run
from verifai.graph.integer import Integers
from verifai.model.inputs import TensorInfo, check_batch
from verifai.progress import Progress
from verifai.proof import Proof
from verifai.proof.tensor import TensorClaim, TensorSpec, batched
from verifai.verifier.native.check import context_bytes, words_of


def prove(
    key: ProvingKey,
    inputs: Any,
    context: Mapping[str, str | int] | None,
    progress: Progress,
) -> Proof:
    """See :meth:`verifai.backends.protocol.Backend.prove`."""
    loaded = load(key)
    progress.stage("computing the witness")
    batch, values = _run(key, loaded, inputs)
    committed = witness(loaded.lowered, values, batch or 1)
    bound = context_bytes(context)
    progress.stage("proving" if batch is None else f"proving {batch} inferences")
    try:
        words, argument = loaded.prover.prove(
            batch or 1, [tensor.astype("<i8").tobytes() for tensor in committed], bound
        )
    except ValueError as error:
        raise InputError(f"The proving core cannot prove this input: {error}.") from None
    claims = [
        _claim(spec, node, values, loaded)
        for spec, node in zip(
            batched(key.circuit.inputs + key.circuit.outputs, batch),
            loaded.graph.inputs + loaded.graph.outputs,
            strict=True,
        )
    ]
    count = len(key.circuit.inputs)
    statement = key.verifying_key.statement(claims[:count], claims[count:], context)
    progress.stage("checking the proof")
    table, commitments, tau_g2 = map(bytes, key.verifying_key.material)
    claimed = b"".join(word.to_bytes(32, "big") for word in words_of(key.verifying_key, statement))
    if claimed != words:
        raise InternalError("The statement's values are not those that were proved.")
    try:
        core().native_verify(table, commitments, tau_g2, batch or 1, bound, words, argument)
    except ValueError as error:
        raise InternalError(f"The proof that was just made does not verify: {error}.") from None
    return Proof.of(statement, argument)


def outputs(key: ProvingKey, inputs: Any) -> Sequence[NDArray[np.float64]]:
    """The circuit's own outputs on ``inputs``, without a proof."""
    loaded = load(key)
    batch, values = _run(key, loaded, inputs)
    specs = batched(key.circuit.outputs, batch)
    return [
        dequantise(loaded.graph, node, values[node]).reshape(spec.shape)
        for node, spec in zip(loaded.graph.outputs, specs, strict=True)
    ]


def _run(key: ProvingKey, loaded: LoadedKey, inputs: Any) -> tuple[int | None, list[Integers]]:
    """The batch (None for one inference) and all nodes' values, with a batch axis."""
    # the key holds all that is asked of inputs: a prover needs no onnx
    infos = [TensorInfo(spec.name, spec.shape, "float64") for spec in key.circuit.inputs]
    batch, arrays = check_batch(infos, inputs)
    return batch, run(loaded.graph, quantise_inputs(loaded.graph, arrays), batch=True)


def _claim(
    spec: TensorSpec, node: int, values: Sequence[Integers], loaded: LoadedKey
) -> TensorClaim:
    if spec.visibility != "public":
        return TensorClaim(spec)
    flat = values[node].reshape(-1)
    if len(flat) != spec.size:  # an output that depends on no input has no batch axis
        flat = np.tile(flat, spec.size // len(flat))
    return TensorClaim(spec, integers=tuple(int(value) for value in flat))
