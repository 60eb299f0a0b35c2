"""Input -> proof, gated before and checked after."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from weakref import finalize

import numpy as np
from numpy.typing import NDArray

from verifai.backends.ezkl import settings as ezkl_settings
from verifai.backends.ezkl.check import check
from verifai.backends.ezkl.compiler import witness_outputs, write_input
from verifai.backends.ezkl.field import claims, from_ezkl
from verifai.backends.ezkl.process import call, refusing, require_version, workspace
from verifai.circuit import ProvingKey
from verifai.circuit.per_key import PerKey
from verifai.errors import (
    InputError,
    InternalError,
    MalformedError,
    UnsupportedError,
    VerifaiError,
    VerificationError,
)
from verifai.model import Model
from verifai.model.inputs import without_batch_axis
from verifai.progress import Progress
from verifai.proof import Proof

_UNLIKE: Final = "A value may be outside the calibrated range: calibrate with data like it."


def prove(
    key: ProvingKey,
    inputs: Any,
    batch: bool,
    context: Mapping[str, str | int] | None,
    progress: Progress,
) -> Proof:
    """See :meth:`verifai.backends.protocol.Backend.prove`."""
    _one(batch)
    if context is not None:
        raise UnsupportedError(
            "The ezkl backend cannot bind a proof to a context.",
            hint="Leave context out; replay protection is then the application's own job.",
        )
    require_version(key.verifying_key.guarantees.version, "key")
    model = Model.from_bytes(bytes(key.circuit.onnx))
    arrays = model.check_inputs(inputs)
    added = without_batch_axis(model.inputs, inputs)
    axis = f" (batch axis added to {', '.join(added)})" if added else ""
    files = _laid_out.of(key)
    with workspace() as folder:
        progress.stage(f"computing the witness{axis}")
        _witness(folder, files, key, arrays)
        progress.stage("proving")
        with refusing(InputError, "ezkl cannot prove this input", hint=_UNLIKE):
            call(
                folder,
                "prove",
                witness="witness.json",
                model=str(files / "circuit.ezkl"),
                pk_path=str(files / "pk.key"),
                proof_path="proof.json",
                srs_path=str(files / "k.srs"),
            )
        argument, public = _read_proof(folder / "proof.json")
    specs = key.verifying_key.inputs + key.verifying_key.outputs
    tensors = claims(specs, public)
    count = len(key.verifying_key.inputs)
    statement = key.verifying_key.statement(tensors[:count], tensors[count:])
    progress.stage("checking the proof")
    # ezkl's prover never checks itself: a damaged key or witness gives a proof of nothing.
    try:
        if len(argument) != key.verifying_key.proof_bytes:
            raise InternalError(
                f"ezkl made a proof of {len(argument)} bytes, expected "
                f"{key.verifying_key.proof_bytes}."
            )
        check(key.verifying_key, statement, argument)
    except VerificationError as error:
        raise MalformedError(
            f"The proof that was just made does not verify ({error.message}): the proving key is "
            "damaged or belongs to another circuit.",
            hint="Set up the circuit again.",
        ) from None
    return Proof.of(statement, argument)


def outputs(key: ProvingKey, inputs: Any, batch: bool) -> Sequence[NDArray[np.float64]]:
    """See :meth:`verifai.backends.protocol.Backend.outputs`."""
    _one(batch)
    arrays = Model.from_bytes(bytes(key.circuit.onnx)).check_inputs(inputs)
    files = _laid_out.of(key)
    with workspace() as folder:
        _witness(folder, files, key, arrays)
        return witness_outputs(folder / "witness.json", key.circuit.outputs)


def _one(batch: bool) -> None:
    if batch:
        raise UnsupportedError(
            "A proof of the ezkl backend is of one inference.",
            hint="Leave batch out, or compile for the native backend.",
        )


def _lay_out(key: ProvingKey) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="verifai-ezkl-"))
    finalize(key, _remove, folder, os.getpid())
    for name, data in (
        ("circuit.ezkl", key.circuit.compiled),
        ("pk.key", key.material),
        ("k.srs", key.srs),
    ):
        (folder / name).write_bytes(data)
    return folder


def _remove(folder: Path, owner: int) -> None:
    """Finalisers are inherited, but the files are the parent's."""
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


#: ezkl reads its keys from files at every call. They are laid out once per key and process.
_laid_out: Final = PerKey(_lay_out, inherited=False)


def _witness(folder: Path, files: Path, key: ProvingKey, arrays: tuple[NDArray[Any], ...]) -> None:
    write_input(folder / "input.json", [arrays])
    names = {"data": "input.json", "output": "witness.json"}
    with refusing(InputError, "ezkl cannot run the circuit on this input", hint=_UNLIKE):
        call(folder, "gen_witness", model=str(files / "circuit.ezkl"), **names)
    witness = json.loads((folder / "witness.json").read_text())
    low, high = ezkl_settings.load(bytes(key.circuit.parameters))["run_args"]["lookup_range"]
    found_low, found_high = witness["min_lookup_inputs"], witness["max_lookup_inputs"]
    # gen_witness accepts such inputs and prove then deadlocks.
    if found_low < low or found_high > high:
        raise InputError(
            f"This input drives a lookup to [{found_low}, {found_high}]; the circuit was "
            f"calibrated for [{low}, {high}].",
            hint="Compile again with calibration data that covers inputs like this one.",
        )


def _read_proof(path: Path) -> tuple[bytes, list[int]]:
    try:
        content = json.loads(path.read_text())
        argument = bytes(content["proof"])
        rows = content["instances"]
        values = [from_ezkl(text) for row in rows for text in row]
    except VerifaiError:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise InternalError(f"ezkl's proof file is not what was expected: {error!r}.") from None
    return argument, values
