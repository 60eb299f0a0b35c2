"""The verdict on everything that was published, as data and as files."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

from verifai.audit.entry import EXIT_CODES, VERDICTS, Entry, plain_values
from verifai.errors import MalformedError, UsageError, VerifaiError
from verifai.limits import Bound
from verifai.printable import html_table, visible
from verifai.proof.codec import canonical_json, exact_fields, one_of, parse_canonical_json
from verifai.proof.files import read_regular, replace_file

FORMAT: Final = "verifai-report"
MAX_REPORT_BYTES: Final = Bound("MAX_REPORT_BYTES", 1 << 30)
_JSON, _HTML = "report.json", "report.html"
_WORDS: Final = {
    "false": "FALSE",
    "unchecked": "could not be checked",
    "policy": "valid but against the policy",
    "verified": "verified",
    "foreign": "foreign to the key that it claims",
}


@dataclass(frozen=True)
class Problem:
    """What kept the audit as a whole from being complete, or its policy from being met.

    Attributes:
        verdict: ``unchecked`` or ``policy``.
        text: in words, without a full stop.
        exit_code: 4 for a policy; 7, or 6 where this machine lacks something, for unchecked.
    """

    verdict: str
    text: str
    exit_code: int = 0

    def __post_init__(self) -> None:
        if self.exit_code == 0:
            object.__setattr__(self, "exit_code", EXIT_CODES[self.verdict])

    def to_json(self) -> dict[str, Any]:
        return {"verdict": self.verdict, "text": self.text, "exit_code": self.exit_code}

    @classmethod
    def from_json(cls, value: Any) -> Problem:
        fields = exact_fields(value, ("verdict", "text", "exit_code"), "A problem")
        verdict = one_of(fields["verdict"], ("policy", "unchecked"), "A problem's verdict")
        allowed = (6, 7) if verdict == "unchecked" else (4,)
        if type(fields["exit_code"]) is not int or fields["exit_code"] not in allowed:
            raise MalformedError(f"A problem's exit code is one of {list(allowed)}.")
        if not isinstance(fields["text"], str):
            raise MalformedError("A problem's text is text.")
        return cls(verdict, fields["text"], fields["exit_code"])


@dataclass(frozen=True, repr=False)
class Report:
    """Everything that was published, checked again.

    Attributes:
        chain: which chain was read (CAIP-2 id, node, ...), plain values; of several chains joined
            by ", "; empty if it did not say.
        policy: the demands, as JSON, or None.
        entries: one per published proof, chain by chain, oldest first.
        problems: of the audit as a whole.
        made_at: UNIX time in seconds.
        version: of verifai.
    """

    chain: Mapping[str, str | int]
    policy: Mapping[str, Any] | None
    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]
    made_at: int
    version: str

    @property
    def verdict(self) -> str:
        """The worst of all entries and problems; ``empty`` if there are none, ``foreign`` if
        nothing published is of the key that it claims."""
        return max((v for v, _ in self._findings()), key=VERDICTS.index, default="empty")

    @property
    def exit_code(self) -> int:
        """0 nothing of these, 1 something is false, 4 policy, 7 something could not be checked.

        6 in place of 7 where every such thing is for want of something on this machine. What is
        foreign changes nothing: anyone can publish it.
        """
        worst = self.verdict
        return max((code for verdict, code in self._findings() if verdict == worst), default=0)

    def _findings(self) -> list[tuple[str, int]]:
        entries = [(entry.verdict, entry.exit_code) for entry in self.entries]
        return entries + [(problem.verdict, problem.exit_code) for problem in self.problems]

    def count(self, verdict: str) -> int:
        """How many published proofs have this verdict."""
        return sum(entry.verdict == verdict for entry in self.entries)

    def headline(self) -> str:
        """One line that states the worst thing first."""
        total = len(self.entries)
        noun = " published proof" if total == 1 else " published proofs"
        parts = []
        for verdict in reversed(VERDICTS):
            if number := self.count(verdict):
                verb = "" if verdict == "unchecked" else "is " if number == 1 else "are "
                parts.append(f"{number} of {total}{noun} {verb}{_WORDS[verdict]}")
                noun = ""  # said once
            parts += [visible(p.text) for p in self.problems if p.verdict == verdict]
        if not total:
            parts.append("nothing is published")
        line = "; ".join(part.rstrip(".") for part in parts)
        return f"{line[:1].upper()}{line[1:]}."

    def to_json(self) -> dict[str, Any]:
        """The report as ``report.json`` holds it: integers with their scales, no floats."""
        return {
            "format": FORMAT,
            "version": self.version,
            "made_at": self.made_at,
            "verdict": self.verdict,
            "exit_code": self.exit_code,
            "headline": self.headline(),
            "chain": dict(self.chain),
            "policy": None if self.policy is None else dict(self.policy),
            "problems": [problem.to_json() for problem in self.problems],
            "entries": [entry.to_json() for entry in self.entries],
        }

    @classmethod
    def from_json(cls, value: Any) -> Report:
        """Strict reader.

        Raises:
            MalformedError: an unknown, missing or ill-typed field, or a verdict, headline or
                warning that is not what the entries give.
        """
        names = ["format", "version", "made_at", "verdict", "exit_code", "headline"]
        names += ["chain", "policy", "problems", "entries"]
        fields = exact_fields(value, names, "A report")
        policy = fields["policy"]
        if (
            not isinstance(policy, (dict, type(None)))
            or not isinstance(fields["problems"], list)
            or not isinstance(fields["entries"], list)
            or type(fields["made_at"]) is not int
            or not isinstance(fields["version"], str)
        ):
            raise MalformedError("A report's fields are of the types that its schema says.")
        report = cls(
            plain_values(fields["chain"], "A report's chain"),
            policy,
            tuple(Entry.from_json(entry) for entry in fields["entries"]),
            tuple(Problem.from_json(problem) for problem in fields["problems"]),
            fields["made_at"],
            fields["version"],
        )
        if report.to_json() != value:
            raise MalformedError("The report contradicts itself: its summary is not its entries'.")
        return report

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Report:
        """Read a ``report.json``, or the one in a folder.

        Raises:
            MalformedError: not one in canonical form, or as :meth:`from_json`.
        """
        file = Path(path)
        file = file / _JSON if file.is_dir() else file
        return cls.from_json(parse_canonical_json(read_regular(file, MAX_REPORT_BYTES)))

    @staticmethod
    def check_folder(folder: str | os.PathLike[str]) -> None:
        """Whether a report may be saved there: a new or empty folder, or one with a report.

        Raises:
            UsageError: it holds something else, which a report must not land among or replace.
        """
        target = Path(folder)
        if not target.exists():
            return
        if not target.is_dir():
            raise UsageError(f"{target} is not a folder.")
        found = {path.name for path in target.iterdir()}
        if found and (not found <= {_JSON, _HTML} or not _is_report(target / _JSON)):
            raise UsageError(f"{target} holds other files.", hint="Choose a new or empty folder.")

    def save(self, folder: str | os.PathLike[str]) -> tuple[Path, Path]:
        """Write ``report.json`` and ``report.html``, each atomically; an older report is replaced.

        Returns:
            Both paths.

        Raises:
            UsageError: as :meth:`check_folder`.
            EnvironmentFault: the disk refused.
        """
        from verifai.audit.html import render

        self.check_folder(folder)
        target = Path(folder)
        contents = {_JSON: canonical_json(self.to_json()), _HTML: render(self).encode("utf-8")}
        for name, data in contents.items():
            replace_file(target / name, [data])
        return target / _JSON, target / _HTML

    def __repr__(self) -> str:
        return f"Report({self.verdict}: {self.headline()})"

    def _repr_html_(self) -> str:
        """What notebooks show: the verdict, and the first proofs that are not verified."""
        bad = [(n, e) for n, e in enumerate(self.entries, 1) if e.verdict != "verified"]
        rows = [("verdict", self.headline())]
        rows += [(f"proof {number}", f"{e.verdict}: {e.reason}") for number, e in bad[:10]]
        if len(bad) > 10:
            rows.append(("", f"and {len(bad) - 10} more: report.save(folder) writes them all"))
        return html_table("Audit", rows)


def report_schema() -> str:
    """The JSON schema (draft 2020-12) of ``report.json``, as text."""
    return (resources.files("verifai.audit") / "schema" / _JSON).read_text("ascii")


def _is_report(file: Path) -> bool:
    try:
        value = json.loads(read_regular(file, MAX_REPORT_BYTES))
    except (VerifaiError, ValueError, RecursionError):
        return False
    return isinstance(value, dict) and value.get("format") == FORMAT
