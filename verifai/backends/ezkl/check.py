"""Check 7: does ezkl's verifier accept this proof for exactly this statement?"""

from __future__ import annotations

import json

from verifai.backends.ezkl import settings as ezkl_settings
from verifai.backends.ezkl.field import instances, to_ezkl
from verifai.backends.ezkl.process import (
    VERIFY_SECONDS,
    EzklError,
    Step,
    require_version,
    run,
    workspace,
)
from verifai.circuit import SRS
from verifai.errors import MalformedError, UnsupportedError, VerificationError
from verifai.proof import Registration, Statement, VerifyingKey
from verifai.verifier.known_tau import check_tau


def check(key: VerifyingKey, statement: Statement, argument: bytes) -> None:
    """Raise unless ``argument`` proves ``statement`` under ``key``.

    The public values that ezkl checks are derived here from the statement, so a statement with
    other values fails. Everything else that ezkl's proof file may carry (pretty outputs, a second
    copy of the proof, scales) is neither kept nor read.

    Raises:
        VerificationError: check 3 or 4 for a key that contradicts itself, 5 for a context, which
            an ezkl proof cannot be bound to; else 7.
        WorkerError: ezkl died, so nothing is known.
        SetupError: another ezkl version is installed than the key was made with.
    """
    if statement.context is not None:
        raise VerificationError(
            "an ezkl proof cannot be bound to a context, so this one is not",
            check=5,
            hint="Proofs of the ezkl backend carry no context; any that is claimed is forged.",
        )
    require_version(key.guarantees.version, "key")
    _check_key(key)
    parameters, vk, srs = key.material
    try:
        public = instances(statement.inputs + statement.outputs)
    except MalformedError as error:
        raise _refused(error.message) from None
    proof = {
        "protocol": None,
        "instances": [[to_ezkl(value) for value in public]],
        "proof": list(argument),
        "transcript_type": "EVM",
    }
    files = {
        "proof.json": json.dumps(proof).encode("ascii"),
        "settings.json": parameters,
        "vk.key": vk,
        "verifier.srs": srs,
    }
    arguments = {
        "proof_path": "proof.json",
        "settings_path": "settings.json",
        "vk_path": "vk.key",
        "srs_path": "verifier.srs",
        "reduced_srs": True,
    }
    with workspace(files) as folder:
        try:
            accepted = run(folder, [Step("verify", arguments)], seconds=VERIFY_SECONDS)
        except EzklError as error:
            raise _refused(f"ezkl refuses the proof: {error.message[:300]}") from None
    if accepted != [True]:
        raise _refused("ezkl refuses the proof")


def proof_bytes(key: VerifyingKey, statement: Statement) -> int:
    """The exact length of a proof of ``statement``: ezkl's depends on the key alone."""
    return key.proof_bytes


def check_registration(key: VerifyingKey, registration: Registration) -> None:
    """No key has one."""
    raise UnsupportedError(
        "Keys of the ezkl backend have no registration: its circuits fix the weights."
    )


def _check_key(key: VerifyingKey) -> None:
    """What a key says of itself must be what its material is.

    A key may come from a publisher. Its header is what people and policies read; without this, one
    could claim a ceremony it never saw, or a scale that turns a 1 into a 2.

    Raises:
        VerificationError: check 3 for tensors and weights, check 4 for the reference string.
    """
    try:
        settings = ezkl_settings.load(bytes(key.material[0]))
        srs = SRS.from_verifier_part(bytes(key.material[2]))
    except MalformedError as error:
        raise _contradiction(3, f"the key's material cannot be read: {error.message}") from None
    for role, specs in (("input", key.inputs), ("output", key.outputs)):
        scales = settings[f"model_{role}_scales"]
        if list(scales) != [spec.scale for spec in specs]:
            raise _contradiction(3, f"the key's {role} scales are not those of its circuit")
        shown = ezkl_settings.visibility(settings["run_args"].get(f"{role}_visibility"))
        if any(spec.visibility != shown for spec in specs):
            raise _contradiction(3, f"the key's {role} visibility is not that of its circuit")
    if settings["run_args"].get("param_visibility") != "Fixed":
        raise _contradiction(3, "the key's circuit does not fix the weights")
    if srs.id != key.guarantees.srs_id:
        raise _contradiction(4, "the key names another reference string than it holds")
    check_tau(*srs.tau_g2)
    if (srs.kind == "ceremony") != (key.guarantees.srs == "ceremony"):
        raise _contradiction(
            4, f"the key calls its reference string {key.guarantees.srs!r}, which it is not"
        )


def _contradiction(check: int, message: str) -> VerificationError:
    return VerificationError(
        message,
        check=check,
        hint="The key was not made by an honest setup: do not use it.",
    )


def _refused(message: str) -> VerificationError:
    return VerificationError(message, check=7)
