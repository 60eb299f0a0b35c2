"""What all that was checked comes to: one verdict, one line, one exit code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from verifai.audit.entry import VERDICTS, Entry, check_exit_code
from verifai.printable import visible
from verifai.proof.codec import one_of
from verifai.proof.plain import from_plain, to_plain

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
    exit_code: int

    def to_json(self) -> dict[str, Any]:
        return {**to_plain(self)}

    @classmethod
    def from_json(cls, value: Any) -> Problem:
        found: Problem = from_plain(cls, value, "A problem")
        verdict = one_of(found.verdict, ("policy", "unchecked"), "A problem's verdict")
        check_exit_code(verdict, found.exit_code)
        return found


@dataclass(frozen=True, repr=False)
class Summary:
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
