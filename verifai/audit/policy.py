"""What an auditor demands beyond validity.

A policy file, with every demand there is::

    models = ["5c0f..."]           # as keys call them; others are against the policy
    required_models = ["5c0f..."]  # each must have at least one verified proof
    keys = ["9ab1..."]             # digests of the verifying keys that may be used
    backends = ["native"]
    srs = ["ceremony"]             # kinds of reference string
    zero_knowledge = true
    matching_contract = true       # what accepted a proof is shown to be the key's verifier (A5)
    minimum_proofs = 1             # verified ones
    maximum_age_seconds = 86400    # by the time of its block, which is the node's word

What a key calls its model is the word of whoever made it: ``models`` and ``required_models`` mean
the models themselves only with ``keys`` that are trusted, or went through
:func:`verifai.verify_model`.

Without a demand on ``srs`` a development reference string is accepted, and shown as a warning.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from verifai.errors import MalformedError, VerifaiError, shown
from verifai.limits import Bound
from verifai.proof import Statement
from verifai.proof.codec import check_json_depth, hex_digest
from verifai.proof.files import read_regular
from verifai.proof.plain import to_plain
from verifai.proof.statement import SRS_KINDS

MAX_POLICY_BYTES: Final = Bound("MAX_POLICY_BYTES", 1 << 20)
#: A block may be dated this far ahead of the auditor's clock before its age counts as unknown.
CLOCK_SKEW_SECONDS: Final = 3600
_DIGESTS: Final = ("models", "required_models", "keys")
_WORDS: Final = {"backends": ("native", "ezkl"), "srs": SRS_KINDS}


@dataclass(frozen=True)
class Policy:
    """Demands; None or empty demands nothing.

    Attributes:
        models: names of the models that may be claimed, as keys call them (digests).
        required_models: names of models of which each must have a verified proof.
        keys: digests of the verifying keys that may be used.
        backends: proof systems that are accepted.
        srs: kinds of reference string that are accepted, e.g. ``("ceremony",)``.
        zero_knowledge: True demands that private tensors are hidden, False that they are not.
        matching_contract: True demands that check A5 passes: that what accepted a proof is shown
            to be the key's verifier; where that cannot be found out, the demand is not met.
        minimum_proofs: fewer verified proofs than this fail the audit as a whole.
        maximum_age_seconds: largest age of a proof's block at the time of the audit; when the
            block was is the node's word.

    Raises:
        MalformedError: a demand of the wrong type or with an unknown value.
    """

    models: tuple[str, ...] = ()
    required_models: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    srs: tuple[str, ...] = ()
    zero_knowledge: bool | None = None
    matching_contract: bool = False
    minimum_proofs: int = 0
    maximum_age_seconds: int | None = None

    def __post_init__(self) -> None:
        for name in (*_DIGESTS, *_WORDS):
            value = getattr(self, name)
            if not isinstance(value, (list, tuple)):
                raise MalformedError(f"Policy: {name} is a list, found {shown(value)}.")
            object.__setattr__(self, name, tuple(value))
        for name in _DIGESTS:
            for value in getattr(self, name):
                hex_digest(value, f"Policy: an entry of {name}")
        for name, known in _WORDS.items():
            for value in getattr(self, name):
                if value not in known:
                    raise MalformedError(f"Policy: {name} are {list(known)}, found {shown(value)}.")
        if type(self.zero_knowledge) not in (bool, type(None)):
            raise MalformedError("Policy: zero_knowledge is true or false.")
        if type(self.matching_contract) is not bool:
            raise MalformedError("Policy: matching_contract is true or false.")
        if type(self.minimum_proofs) is not int or self.minimum_proofs < 0:
            raise MalformedError("Policy: minimum_proofs is a natural number.")
        age = self.maximum_age_seconds
        if age is not None and (type(age) is not int or age < 0):
            raise MalformedError("Policy: maximum_age_seconds is a natural number.")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Policy:
        """Read a policy from JSON, or from TOML (which may hold comments; Python 3.11 or later).

        Raises:
            MalformedError: not such a file, or a demand that this version does not know: a demand
                that is not understood must not count as met.
        """
        file = Path(path)
        data = read_regular(file, MAX_POLICY_BYTES)
        try:
            value = _parse(file, data)
        except VerifaiError:
            raise
        except (ValueError, RecursionError) as error:
            raise MalformedError(f"{file} is not valid: {error}.") from None
        known = {field.name for field in fields(cls)}
        if not isinstance(value, dict) or not set(value) <= known:
            unknown = sorted(set(value) - known) if isinstance(value, dict) else value
            raise MalformedError(f"{file}: unknown demands {unknown}; known are {sorted(known)}.")
        return cls(**value)

    def violations(
        self, statement: Statement, *, age_seconds: int | None, contract_matches: bool | None
    ) -> list[str]:
        """The demands that one verified proof does not meet, in words.

        Args:
            statement: what was proved.
            age_seconds: of its block, as the node says; negative where the block is dated in the
                future, None where the node does not say.
            contract_matches: check A5; None if it could not be run.
        """
        found = []
        guarantees = statement.guarantees
        if self.models and statement.model not in self.models:
            named = f"the key calls its model {statement.model[:16]}"
            found.append(f"{named}, which is not one of those allowed")
        if self.keys and statement.verifying_key not in self.keys:
            found.append(f"the key {statement.verifying_key[:16]} is not one of those allowed")
        if self.backends and guarantees.backend not in self.backends:
            found.append(f"the backend is {guarantees.backend!r}")
        if self.srs and guarantees.srs not in self.srs:
            found.append(f"the reference string is of kind {guarantees.srs!r}")
        if self.zero_knowledge is not None and guarantees.zero_knowledge != self.zero_knowledge:
            found.append(f"it is {'' if guarantees.zero_knowledge else 'not '}zero-knowledge")
        if self.matching_contract and contract_matches is not True:
            found.append("what accepted it was not shown to be the key's verifier")
        if self.maximum_age_seconds is not None:
            if age_seconds is None:
                found.append("its age is unknown: the node does not show its block")
            elif age_seconds > self.maximum_age_seconds:
                found.append(f"it is {age_seconds} s old, allowed are {self.maximum_age_seconds} s")
            elif age_seconds < -CLOCK_SKEW_SECONDS:
                found.append("its age is unknown: the block is dated in the future")
        return found

    def unmet(self, verified: Iterable[Statement]) -> list[str]:
        """The demands on the audit as a whole that its verified statements do not meet."""
        models = [statement.model for statement in verified]
        found = []
        if len(models) < self.minimum_proofs:
            noun = "proof" if self.minimum_proofs == 1 else "proofs"
            found.append(f"{self.minimum_proofs} verified {noun} demanded, {len(models)} found")
        found += [
            f"no verified proof under a key that calls its model {model[:16]}, as is required"
            for model in self.required_models
            if model not in models
        ]
        return found

    def to_json(self) -> dict[str, Any]:
        """All demands, also those that demand nothing."""
        return {**to_plain(self)}


def _parse(file: Path, data: bytes) -> Any:
    check_json_depth(data)  # brackets nest in TOML just the same
    text = data.decode("utf-8")
    if file.suffix == ".json":
        return json.loads(text)
    if sys.version_info < (3, 11):
        raise MalformedError("TOML policies need Python 3.11; write the policy as JSON.")
    import tomllib

    return tomllib.loads(text)
