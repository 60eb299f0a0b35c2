"""The verdict on everything that was published, as data and as files."""

from __future__ import annotations

import json
import os
from dataclasses import fields
from importlib import resources
from pathlib import Path
from typing import Any, Final

from verifai.audit.html import render
from verifai.audit.summary import Summary
from verifai.errors import MalformedError, UsageError, VerifaiError
from verifai.limits import Bound
from verifai.printable import html_table
from verifai.proof.codec import canonical_json, exact_fields, parse_canonical_json
from verifai.proof.files import read_regular, replace_file
from verifai.proof.plain import from_plain, to_plain

FORMAT: Final = "verifai-report"
MAX_REPORT_BYTES: Final = Bound("MAX_REPORT_BYTES", 1 << 30)
_JSON, _HTML = "report.json", "report.html"


class Report(Summary):
    """The summary with its files, one for machines and one for people."""

    def to_json(self) -> dict[str, Any]:
        """The report as ``report.json`` holds it: integers with their scales, no floats."""
        return {
            **to_plain(self),
            "format": FORMAT,
            "verdict": self.verdict,
            "exit_code": self.exit_code,
            "headline": self.headline(),
        }

    @classmethod
    def from_json(cls, value: Any) -> Report:
        """Strict reader.

        Raises:
            MalformedError: an unknown, missing or ill-typed field, or a verdict, headline or
                warning that is not what the entries give.
        """
        summary = ("format", "verdict", "exit_code", "headline")
        facts = [field.name for field in fields(cls)]
        found = exact_fields(value, [*summary, *facts], "A report")
        report: Report = from_plain(cls, {name: found[name] for name in facts}, "A report")
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
            SetupError: the disk refused.
        """
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
