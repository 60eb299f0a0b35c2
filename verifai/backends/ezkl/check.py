"""Check 7: does ezkl's verifier accept this proof for exactly this statement?"""

from __future__ import annotations

import json
from pathlib import Path

from verifai.backends.ezkl.field import instances, to_ezkl
from verifai.backends.ezkl.process import (
    VERIFY_SECONDS,
    EzklError,
    Step,
    installed_version,
    run,
    workspace,
)
from verifai.errors import EnvironmentFault, MalformedError, VerificationError
from verifai.proof import Statement, VerifyingKey


def check(key: VerifyingKey, statement: Statement, argument: bytes) -> None:
    """Raise unless ``argument`` proves ``statement`` under ``key``.

    The public values that ezkl checks are derived here from the statement, so a statement with
    other values fails. Everything else that ezkl's proof file may carry (pretty outputs, a second
    copy of the proof, scales) is neither kept nor read.

    Raises:
        VerificationError: check 5 for a context, which an ezkl proof cannot be bound to; else 7.
        WorkerFault: ezkl died, so nothing is known.
        EnvironmentFault: another ezkl version is installed than the key was made with.
    """
    if statement.context is not None:
        raise VerificationError(
            "an ezkl proof cannot be bound to a context, so this one is not",
            check=5,
            check_name="context",
            hint="Proofs of the ezkl backend carry no context; any that is claimed is forged.",
        )
    version = installed_version()
    if version != key.guarantees.version:
        raise EnvironmentFault(
            f"The key was made with ezkl {key.guarantees.version}, installed is {version}: "
            "their proofs do not mix.",
            hint=f"pip install ezkl=={key.guarantees.version}",
        )
    parameters, vk, srs = key.material
    try:
        public = instances(statement.inputs + statement.outputs)
    except MalformedError as error:
        raise _refused(error.message) from None
    with workspace() as name:
        folder = Path(name)
        (folder / "settings.json").write_bytes(parameters)
        (folder / "vk.key").write_bytes(vk)
        (folder / "verifier.srs").write_bytes(srs)
        (folder / "proof.json").write_text(
            json.dumps(
                {
                    "protocol": None,
                    "instances": [[to_ezkl(value) for value in public]],
                    "proof": list(argument),
                    "transcript_type": "EVM",
                }
            )
        )
        try:
            accepted = run(
                folder,
                [
                    Step(
                        "verify",
                        {
                            "proof_path": "proof.json",
                            "settings_path": "settings.json",
                            "vk_path": "vk.key",
                            "srs_path": "verifier.srs",
                            "reduced_srs": True,
                        },
                    )
                ],
                seconds=VERIFY_SECONDS,
            )
        except EzklError as error:
            raise _refused(f"ezkl refuses the proof: {error.message[:300]}") from None
    if accepted != [True]:
        raise _refused("ezkl refuses the proof")


def _refused(message: str) -> VerificationError:
    return VerificationError(message, check=7, check_name="proof")
