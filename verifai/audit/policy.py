"""What an auditor demands beyond validity."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from verifai.errors import MalformedError
from verifai.proof import Statement
from verifai.proof.codec import check_json_depth, hex_digest
from verifai.proof.statement import SRS_KINDS

MAX_POLICY_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class Policy:
    """Demands; None or empty demands nothing.

    Attributes:
        models: digests of the models that may be claimed.
        keys: digests of the verifying keys that may be used.
        srs: kinds of reference string that are accepted, e.g. ``("ceremony",)``.
        zero_knowledge: True demands that private tensors are hidden.
        matching_contract: True demands that the contract which accepted a proof has the code that
            the key compiles to; where that cannot be found out, the demand is not met.
        minimum_proofs: fewer published proofs than this fail the audit as a whole.
        maximum_age_seconds: age of a proof at the time of the audit.
    """

    models: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    srs: tuple[str, ...] = ()
    zero_knowledge: bool | None = None
    matching_contract: bool = False
    minimum_proofs: int = 0
    maximum_age_seconds: int | None = None

    def __post_init__(self) -> None:
        for name in ("models", "keys"):
            for value in getattr(self, name):
                hex_digest(value, f"Policy: an entry of {name}")
        for kind in self.srs:
            if kind not in SRS_KINDS:
                raise MalformedError(f"Policy: srs kinds are {list(SRS_KINDS)}, found {kind!r}.")
        if type(self.zero_knowledge) not in (bool, type(None)):
            raise MalformedError("Policy: zero_knowledge is true or false.")
        if type(self.matching_contract) is not bool:
            raise MalformedError("Policy: matching_contract is true or false.")
        for name in ("minimum_proofs", "maximum_age_seconds"):
            value = getattr(self, name)
            if value is not None and (type(value) is not int or value < 0):
                raise MalformedError(f"Policy: {name} is a natural number, found {value!r}.")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Policy:
        """Read a policy from JSON, or from TOML (which may hold comments; Python 3.11 or later).

        Raises:
            MalformedError: not such a file, or a demand that this version does not know: a demand
                that is not understood must not count as met.
        """
        file = Path(path)
        if not file.is_file() or file.stat().st_size > MAX_POLICY_BYTES:
            raise MalformedError(f"No policy file of a sensible size at {file}.")
        try:
            value = _parse(file)
        except (ValueError, RecursionError) as error:
            raise MalformedError(f"{file} is not valid: {error}.") from None
        known = {field.name for field in fields(cls)}
        if not isinstance(value, dict) or not set(value) <= known:
            unknown = sorted(set(value) - known) if isinstance(value, dict) else value
            raise MalformedError(f"{file}: unknown demands {unknown}; known are {sorted(known)}.")
        for name in ("models", "keys", "srs"):
            if name in value:
                if not isinstance(value[name], list):
                    raise MalformedError(f"{file}: {name} is a list.")
                value[name] = tuple(value[name])
        return cls(**value)

    def violations(
        self, statement: Statement, *, age_seconds: int, contract_matches: bool | None
    ) -> list[str]:
        """The demands that a verified proof does not meet, in words."""
        found = []
        if self.models and statement.model not in self.models:
            found.append("the model is not one of those demanded")
        if self.keys and statement.verifying_key not in self.keys:
            found.append("the verifying key is not one of those demanded")
        if self.srs and statement.guarantees.srs not in self.srs:
            found.append(f"the reference string is of kind {statement.guarantees.srs!r}")
        if self.zero_knowledge is not None and (
            statement.guarantees.zero_knowledge != self.zero_knowledge
        ):
            found.append(f"zero_knowledge is {statement.guarantees.zero_knowledge}")
        if self.matching_contract and contract_matches is not True:
            found.append("the contract's code was not shown to be the key's")
        if self.maximum_age_seconds is not None and age_seconds > self.maximum_age_seconds:
            found.append(f"the proof is {age_seconds} s old")
        return found

    def to_json(self) -> dict[str, Any]:
        """All demands, also those that demand nothing."""
        return {
            field.name: list(value) if isinstance(value, tuple) else value
            for field in fields(self)
            for value in [getattr(self, field.name)]
        }


def _parse(file: Path) -> Any:
    text = file.read_text("utf-8")
    check_json_depth(text.encode())  # brackets nest in TOML just the same
    if file.suffix == ".json":
        return json.loads(text)
    if sys.version_info < (3, 11):
        raise MalformedError("TOML policies need Python 3.11; write the policy as JSON.")
    import tomllib

    return tomllib.loads(text)
