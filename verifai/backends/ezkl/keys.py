"""Circuit -> key pair."""

from __future__ import annotations

import mmap
import re
from pathlib import Path
from typing import Final

from verifai.backends.ezkl import settings as ezkl_settings
from verifai.backends.ezkl.process import (
    Step,
    call,
    refusing,
    require_version,
    run,
    workspace,
)
from verifai.circuit import SRS, Circuit, ProvingKey
from verifai.errors import InternalError, MalformedError, UnsupportedError, UsageError
from verifai.progress import Progress
from verifai.proof import Guarantees, Registration, VerifyingKey

#: Where the generated contract compares the proof's length with the circuit's.
_PROOF_LENGTH: Final = re.compile(r"eq\(0x([0-9a-f]+), proof\.length\)")


def setup(
    circuit: Circuit, srs: SRS | str | None, progress: Progress
) -> tuple[ProvingKey, VerifyingKey]:
    """See :meth:`verifai.backends.protocol.Backend.setup`."""
    if srs is not None and (isinstance(srs, str) or srs.format != "halo2"):
        raise UnsupportedError(
            "The ezkl backend reads halo2 .srs files: a .ptau file and a fetched ceremony lack "
            "their Lagrange basis.",
            hint="Take the .srs file of the same ceremony for your circuit's size.",
        )
    require_version(circuit.version, "circuit")
    parameters = bytes(circuit.parameters)
    settings = ezkl_settings.load(parameters)
    if ezkl_settings.canonical(parameters.decode("ascii")) != parameters:
        raise MalformedError("The circuit's ezkl settings are not in canonical form.")
    log2 = ezkl_settings.log_rows(settings)
    if srs is None:
        progress.stage(f"development reference string (2^{log2} powers)")
        srs = SRS.development(log2, _make_srs)
    elif srs.log2 != log2:
        raise UsageError(
            f"The circuit needs an SRS with k = {log2}; this one has k = {srs.log2}.",
            hint="Ceremony files come in all sizes: take the one for this k.",
        )
    files = {"circuit.ezkl": circuit.compiled, "settings.json": parameters, "k.srs": srs.data}
    with workspace(files) as folder:
        progress.stage("making the key pair")
        with refusing(MalformedError, "ezkl cannot set up this circuit"):
            made = {"vk_path": "vk.key", "pk_path": "pk.key"}
            call(folder, "setup", model="circuit.ezkl", srs_path="k.srs", **made)
        vk = (folder / "vk.key").read_bytes()
        verifier_srs = srs.verifier_part()
        progress.stage("reading the proof's size")
        source = solidity(parameters, vk, verifier_srs)
        found = _PROOF_LENGTH.search(source)
        if found is None:
            raise InternalError("ezkl's contract does not state the proof's length as expected.")
        key = VerifyingKey(
            model=circuit.model,
            circuit=circuit.digest,
            weights=circuit.weights,
            inputs=circuit.inputs,
            outputs=circuit.outputs,
            guarantees=Guarantees("ezkl", circuit.version, True, srs.kind, srs.id),
            proof_bytes=int(found.group(1), 16),
            material=(parameters, vk, verifier_srs),
        )
        # Gigabytes for larger circuits: mapped, not read. The mapping outlives the folder.
        with (folder / "pk.key").open("rb") as file:
            material = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    return ProvingKey(circuit, key, srs.data, material), key


def prove_weights(key: ProvingKey, progress: Progress) -> Registration:
    """Nothing to prove: the circuits of ezkl fix the weights."""
    raise UnsupportedError(
        "Keys of the ezkl backend need no registration: its circuits fix the weights."
    )


def solidity(parameters: bytes, vk: bytes, srs: bytes) -> str:
    """Source of the verifier contract that ezkl generates for a key.

    ezkl writes the file and then fails to find a compiler to make its ABI with; only the source
    is wanted.
    """
    arguments = {
        "vk_path": "vk.key",
        "settings_path": "settings.json",
        "sol_code_path": "verifier.sol",
        "abi_path": "verifier.abi",
        "srs_path": "verifier.srs",
    }
    with workspace({"settings.json": parameters, "vk.key": vk, "verifier.srs": srs}) as folder:
        source = folder / "verifier.sol"
        step = Step(
            "create_evm_verifier", arguments, asynchronous=True, succeeds_if_file=str(source)
        )
        with refusing(MalformedError, "ezkl cannot make a contract of this key"):
            run(folder, [step])
        return source.read_text("utf-8")


def _make_srs(path: Path, log2: int) -> None:
    with workspace() as folder, refusing(InternalError, "ezkl cannot make a development SRS"):
        call(folder, "gen_srs", srs_path=str(path), logrows=log2)
