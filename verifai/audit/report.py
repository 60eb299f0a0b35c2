"""The verdict as data."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

from verifai.errors import MalformedError, UsageError
from verifai.proof import Statement
from verifai.proof.codec import canonical_json, exact_fields, parse_canonical_json
from verifai.verifier import CheckResult

#: From best to worst; a report is as good as its worst entry. ``unchecked`` means that nothing is
#: known, which is neither true nor false.
VERDICTS: Final = ("verified", "policy", "unchecked", "false")
_EXIT_CODES: Final = {"verified": 0, "policy": 4, "unchecked": 7, "false": 1}
_MARKER: Final = "report.json"
MAX_REPORT_BYTES: Final = 1 << 30


@dataclass(frozen=True)
class Entry:
    """One published proof.

    Attributes:
        verdict: one of :data:`VERDICTS`.
        reason: one sentence; empty when verified.
        checks: all numbered checks.
        record: where and by whom it was published, plain values only.
        statement: what was claimed, if the bundle could be rebuilt.
    """

    verdict: str
    reason: str
    checks: tuple[CheckResult, ...]
    record: Mapping[str, str | int]
    statement: Statement | None

    @property
    def warnings(self) -> list[str]:
        """What holds, but should worry a reader."""
        if self.statement is None:
            return []
        guarantees = self.statement.guarantees
        found = [
            f"accepted by another contract: {check.detail}"
            for check in self.checks
            if check.number == "A5" and check.passed is False
        ]
        if guarantees.srs == "development":
            found.append("development reference string: whoever made it could forge this proof")
        elif guarantees.srs == "custom":
            found.append("reference string of unverified origin")
        if not guarantees.zero_knowledge:
            found.append("not zero-knowledge")
        return found

    def to_json(self) -> dict[str, Any]:
        return {
            "verdict": self.verdict,
            "reason": self.reason,
            "warnings": self.warnings,
            "checks": [check.to_json() for check in self.checks],
            "record": dict(self.record),
            "statement": None if self.statement is None else self.statement.to_json(),
        }

    @classmethod
    def from_json(cls, value: Any) -> Entry:
        names = ("verdict", "reason", "warnings", "checks", "record", "statement")
        fields = exact_fields(value, names, "An entry")
        if fields["verdict"] not in VERDICTS:
            raise MalformedError(f"An entry's verdict is one of {list(VERDICTS)}.")
        checks = tuple(
            CheckResult(**exact_fields(check, ("number", "name", "passed", "detail"), "A check"))
            for check in fields["checks"]
        )
        statement = fields["statement"]
        return cls(
            fields["verdict"],
            fields["reason"],
            checks,
            fields["record"],
            None if statement is None else Statement.from_json(statement),
        )


@dataclass(frozen=True, repr=False)
class Report:
    """Everything that was published, checked again.

    Attributes:
        chain: which chain was read (name, CAIP-2 id, URL), plain values.
        policy: the demands, as JSON, or None.
        entries: one per published proof, oldest first.
        problems: what kept the audit as a whole from being complete or the policy from being met.
        made_at: UNIX time in seconds.
        version: of verifai.
    """

    chain: Mapping[str, str | int]
    policy: Mapping[str, Any] | None
    entries: tuple[Entry, ...]
    problems: tuple[tuple[str, str], ...]
    made_at: int
    version: str

    @property
    def verdict(self) -> str:
        """The worst of all entries and problems; ``verified`` if there are none."""
        found = [entry.verdict for entry in self.entries] + [kind for kind, _ in self.problems]
        return max(found, key=VERDICTS.index, default="verified")

    @property
    def exit_code(self) -> int:
        """0 verified, 1 something is false, 4 policy, 7 something could not be checked."""
        return _EXIT_CODES[self.verdict]

    def headline(self) -> str:
        """One line that states the worst thing first."""
        total = len(self.entries)
        counts = dict.fromkeys(VERDICTS, 0)
        for entry in self.entries:
            counts[entry.verdict] += 1
        words = {
            "false": "FALSE",
            "unchecked": "could not be checked",
            "policy": "valid but against the policy",
            "verified": "verified",
        }
        parts = [
            f"{counts[verdict]} {words[verdict]}"
            for verdict in reversed(VERDICTS)
            if counts[verdict]
        ]
        noun = "proof" if total == 1 else "proofs"
        line = f"{total} published {noun}: {', '.join(parts)}" if total else "Nothing published"
        return "; ".join([*(text for _, text in self.problems), line]) + "."

    def to_json(self) -> dict[str, Any]:
        return {
            "format": "verifai-report",
            "version": self.version,
            "made_at": self.made_at,
            "verdict": self.verdict,
            "headline": self.headline(),
            "chain": dict(self.chain),
            "policy": None if self.policy is None else dict(self.policy),
            "problems": [{"verdict": kind, "text": text} for kind, text in self.problems],
            "entries": [entry.to_json() for entry in self.entries],
        }

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Report:
        """Read a ``report.json``.

        Raises:
            MalformedError: not one in canonical form, or one whose verdict contradicts itself.
        """
        file = Path(path)
        if not file.is_file() or file.stat().st_size > MAX_REPORT_BYTES:
            raise MalformedError(f"No report of a sensible size at {file}.")
        names = [
            "format",
            "version",
            "made_at",
            "verdict",
            "headline",
            "chain",
            "policy",
            "problems",
            "entries",
        ]
        value = parse_canonical_json(file.read_bytes())
        fields = exact_fields(value, names, "A report")
        report = cls(
            fields["chain"],
            fields["policy"],
            tuple(Entry.from_json(entry) for entry in fields["entries"]),
            tuple((problem["verdict"], problem["text"]) for problem in fields["problems"]),
            fields["made_at"],
            fields["version"],
        )
        if report.to_json() != value:
            raise MalformedError(f"{file} contradicts itself.")
        return report

    def save(self, folder: str | os.PathLike[str]) -> tuple[Path, Path]:
        """Write ``report.json`` and ``report.html``; returns their paths.

        Raises:
            UsageError: the folder holds other files, so it is not one of ours to write to.
        """
        from verifai.audit.html import render

        target = Path(folder)
        if target.exists() and any(target.iterdir()) and not (target / _MARKER).is_file():
            raise UsageError(f"{target} holds other files.", hint="Choose an empty folder.")
        target.mkdir(parents=True, exist_ok=True)
        paths = (target / "report.json", target / "report.html")
        for path, data in zip(
            paths, (canonical_json(self.to_json()), render(self).encode("utf-8")), strict=True
        ):
            partial = path.with_name(f".{path.name}.{os.getpid()}")
            partial.write_bytes(data)
            os.replace(partial, path)
        return paths

    def __repr__(self) -> str:
        return f"Report({self.verdict}: {self.headline()})"


def report_schema() -> str:
    """The JSON schema (draft 2020-12) of ``report.json``, as text."""
    return (resources.files("verifai.audit") / "schema" / "report.json").read_text("ascii")
