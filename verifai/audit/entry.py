"""The verdict on one published proof."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from verifai.errors import MalformedError
from verifai.proof import Statement
from verifai.proof.codec import one_of
from verifai.proof.plain import from_plain, to_plain
from verifai.verifier import CheckResult

#: The last of these that an entry has is the report's. ``foreign`` is no record of the key that it
#: claims, or one with a wrong digest or context beside it, as anyone can publish: it says nothing
#: against that key, and counts only where there is nothing else. ``unchecked``
#: means that nothing is known, which is neither true nor false.
VERDICTS: Final = ("foreign", "verified", "policy", "unchecked", "false")
#: An unchecked entry exits with 6 instead where this machine, not the chain, lacks something.
EXIT_CODES: Final = {"foreign": 0, "verified": 0, "policy": 4, "unchecked": 7, "false": 1}


@dataclass(frozen=True)
class Entry:
    """One published proof.

    Attributes:
        verdict: one of :data:`VERDICTS`.
        reason: one sentence; empty when verified.
        checks: all numbered checks, in the order of :mod:`verifai.audit.run`.
        record: where and by whom it was published, plain values only.
        statement: what was claimed, if the bundle could be rebuilt.
        exit_code: what an audit of this proof alone would exit with.
    """

    verdict: str
    reason: str
    checks: tuple[CheckResult, ...]
    record: Mapping[str, str | int]
    statement: Statement | None
    exit_code: int

    @property
    def warnings(self) -> list[str]:
        """What holds, but should worry a reader."""
        if self.statement is None:
            return []
        guarantees = self.statement.guarantees
        found = [
            f"not shown to have been accepted by the key's verifier: {check.detail}"
            for check in self.checks
            if check.number == "A5" and check.passed is False
        ]
        if guarantees.srs == "development":
            found.append(
                f"development reference string: {guarantees.forgers} could forge this proof"
            )
        elif guarantees.srs == "custom":
            found.append("reference string of unverified origin")
        if not guarantees.zero_knowledge:
            found.append("not zero-knowledge: private values may leak from the proof")
        return found

    def to_json(self) -> dict[str, Any]:
        """The entry as ``report.json`` holds it."""
        return {**to_plain(self), "warnings": self.warnings}

    @classmethod
    def from_json(cls, value: Any) -> Entry:
        """Strict reader; that the warnings are those of the rest is seen by who writes it again.

        Raises:
            MalformedError: an unknown, missing or ill-typed field, or an exit code that is not the
                verdict's.
        """
        if isinstance(value, dict):
            value = {name: item for name, item in value.items() if name != "warnings"}
        found: Entry = from_plain(cls, value, "An entry")
        check_exit_code(one_of(found.verdict, VERDICTS, "An entry's verdict"), found.exit_code)
        return found


def check_exit_code(verdict: str, exit_code: int) -> None:
    """Raises MalformedError where an exit code is not one of a verdict."""
    allowed = (6, 7) if verdict == "unchecked" else (EXIT_CODES[verdict],)
    if exit_code not in allowed:
        raise MalformedError(f"The exit code of {verdict!r} is one of {list(allowed)}.")
