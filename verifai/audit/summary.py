"""What all that was checked comes to: one verdict, one line, one exit code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from verifai.audit.entry import EXIT_CODES, VERDICTS, Entry
from verifai.errors import MalformedError
from verifai.printable import visible
from verifai.proof.codec import exact_fields, one_of

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
