"""The verdict on one published proof."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from verifai.errors import MalformedError
from verifai.proof import Statement
from verifai.proof.codec import exact_fields, one_of
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
        return {
            "verdict": self.verdict,
            "reason": self.reason,
            "exit_code": self.exit_code,
            "warnings": self.warnings,
            "checks": [check.to_json() for check in self.checks],
            "record": dict(self.record),
            "statement": None if self.statement is None else self.statement.to_json(),
        }

    @classmethod
    def from_json(cls, value: Any) -> Entry:
        """Strict reader.

        Raises:
            MalformedError: an unknown, missing or ill-typed field, or an exit code that is not the
                verdict's.
        """
        names = ("verdict", "reason", "exit_code", "warnings", "checks", "record", "statement")
        fields = exact_fields(value, names, "An entry")
        verdict = one_of(fields["verdict"], VERDICTS, "An entry's verdict")
        allowed = (6, 7) if verdict == "unchecked" else (EXIT_CODES[verdict],)
        if type(fields["exit_code"]) is not int or fields["exit_code"] not in allowed:
            raise MalformedError(f"The exit code of {verdict!r} is one of {list(allowed)}.")
        if not isinstance(fields["reason"], str) or not isinstance(fields["checks"], list):
            raise MalformedError("An entry has a reason (text) and checks (a list).")
        statement = fields["statement"]
        return cls(
            verdict,
            fields["reason"],
            tuple(_check(check) for check in fields["checks"]),
            plain_values(fields["record"], "A record"),
            None if statement is None else Statement.from_json(statement),
            fields["exit_code"],
        )


def plain_values(value: Any, what: str) -> dict[str, str | int]:
    """``value`` if it is an object of strings and integers.

    Raises:
        MalformedError: it is not.
    """
    if not isinstance(value, dict) or not all(type(item) in (str, int) for item in value.values()):
        raise MalformedError(f"{what} is an object of strings and integers.")
    return value


def _check(value: Any) -> CheckResult:
    fields = exact_fields(value, ("number", "name", "passed", "detail"), "A check")
    if (
        type(fields["number"]) not in (int, str)
        or not isinstance(fields["name"], str)
        or type(fields["passed"]) not in (bool, type(None))
        or not isinstance(fields["detail"], str)
    ):
        raise MalformedError("A check has a number, a name, a result and a detail.")
    return CheckResult(**fields)
