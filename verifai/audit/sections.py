"""One published proof on the report's page."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Final

from verifai.audit import charts
from verifai.audit.collect import RECORD_FIELDS
from verifai.audit.entry import Entry
from verifai.audit.printable import sentences
from verifai.printable import MAX_SHOWN
from verifai.printable import html_text as text
from verifai.proof import TensorClaim
from verifai.verifier import CHECKS, CheckResult

#: Each verdict as a sign and in words: colour alone never carries it.
SIGNS: Final = {
    "verified": ("✓", "Verified"),
    "policy": ("▲", "Against policy"),
    "unchecked": ("?", "Not checked"),
    "foreign": ("○", "Foreign"),
    "empty": ("○", "Nothing published"),
    "false": ("✕", "False"),
}
#: Checks whose failure does not make a proof false.
_NOT_FALSE: Final = ("A5", "A7")
#: Facts of a record that nothing signed or computed here vouches for.
_TOLD: Final = ("block_number", "block_time", "gas_used")
#: Values of a public tensor that are printed.
_MAX_VALUES: Final = 8
#: Those of a native proof that are something else than of others.
_NATIVE: Final = {"verifier": "Verifier", "verifier_code_hash": "Circuit"}


def badge(verdict: str) -> str:
    """A verdict as sign and word."""
    sign, word = SIGNS[verdict]
    return f'<span class="badge {verdict}"><span class="sign">{sign}</span> {word}</span>'


def moment(seconds: Any) -> str:
    """A UNIX time in UTC, or what was there instead of one."""
    try:
        when = datetime.fromtimestamp(int(seconds), timezone.utc)
    except (ValueError, OverflowError, OSError):
        return text(seconds)
    return when.strftime("%Y-%m-%d %H:%M UTC")


def described(name: str, shown: str) -> str:
    """A row of a list of names and values; ``shown`` is HTML."""
    return f"<div><dt>{text(name)}</dt><dd>{shown}</dd></div>"


def section(number: int, entry: Entry, pictures: bool) -> str:
    """The whole section.

    Args:
        number: of the proof, from 1.
        entry: what was found.
        pictures: whether public tensors are drawn.
    """
    record = entry.record
    reason = f'<p class="reason">{text(_sentence(entry.reason), 1000)}</p>' if entry.reason else ""
    warnings = "".join(f"<li>{text(_sentence(warning))}</li>" for warning in entry.warnings)
    by = "published by" if signed(entry) else "published, as the node says, by"
    who = f"{by} <code>{text(record.get('publisher', 'unknown'))}</code>"
    time = record.get("block_time", "")
    when = "" if time == "" else f" · {moment(time)}, as the node says"
    return f"""<section class="entry {entry.verdict}" id="proof-{number}">
<header><h2>Proof {number}</h2>{badge(entry.verdict)}<p class="who">{who}{when}</p></header>
{reason}
{f'<ul class="warnings">{warnings}</ul>' if warnings else ""}
{_claim(entry, pictures)}
<h3>Checks</h3>
<ol class="checks">{"".join(_check(check, entry.verdict) for check in entry.checks)}</ol>
<details open><summary>On chain</summary><dl>{_record(entry)}</dl></details>
</section>"""


def signed(entry: Entry) -> bool:
    """Whether the publisher's signature was checked, which is part of check A1."""
    return any(check.number == "A1" and check.passed is True for check in entry.checks)


def _claim(entry: Entry, pictures: bool) -> str:
    if entry.statement is None:
        return '<p class="unread">What was claimed could not be read.</p>'
    statement = entry.statement
    lines = "".join(f"<li>{text(line, 4 * MAX_SHOWN)}</li>" for line in sentences(statement))
    proved = any(check.number == max(CHECKS) and check.passed for check in entry.checks)
    tensors = "".join(
        _tensor(role, claim)
        for role, claims in (("input", statement.inputs), ("output", statement.outputs))
        for claim in claims
    )
    return f"""<div class="claim"><div class="words">
<h3>{"What was proved" if proved else "What was claimed, not proved"}</h3>
<ul>{lines}</ul>
<p class="model">Model, as the key names it <code>{text(statement.model)}</code></p>
</div>{_figures(entry) if pictures else ""}</div>
<div class="scroll"><table><thead><tr><th>Tensor</th><th>Name</th><th>Shape</th><th>Visibility</th>
<th>Content</th></tr></thead><tbody>{tensors}</tbody></table></div>"""


def _figures(entry: Entry) -> str:
    assert entry.statement is not None
    parts = []
    for claim in entry.statement.inputs:
        if drawn := charts.images(claim):
            caption = f"public input <b>{text(claim.name, 32)}</b>"
            parts.append(f"<figure>{drawn}<figcaption>{caption}</figcaption></figure>")
    for claim in entry.statement.outputs:
        if drawn := charts.outputs(claim):
            caption = f"public output <b>{text(claim.name, 32)}</b>"
            parts.append(f'<figure class="wide">{drawn}<figcaption>{caption}</figcaption></figure>')
    return f'<div class="figures">{"".join(parts)}</div>' if parts else ""


def _tensor(role: str, claim: TensorClaim) -> str:
    shape = " × ".join(map(str, claim.shape)) or "scalar"
    if claim.integers is not None:
        scale = 2**claim.spec.scale
        values = [charts.number_text(q / scale) for q in claim.integers[:_MAX_VALUES]]
        rest = claim.spec.size - len(values)
        content = "; ".join(values) + (f"; … and {rest:,} more" if rest else "")
    elif claim.commitment is not None:
        content = f"commitment <code>{text(claim.commitment)}</code>"
    else:
        content = "not disclosed"
    return (
        f"<tr><td>{role}</td><td><code>{text(claim.name, 64)}</code></td><td>{shape}</td>"
        f"<td>{text(claim.spec.visibility)}</td><td>{content}</td></tr>"
    )


def _check(check: CheckResult, verdict: str) -> str:
    kind, sign, word = {
        True: ("verified", "✓", "passed"),
        False: ("false", "✕", "failed"),
        None: ("skipped", "–", "not run"),
    }[check.passed]
    if check.passed is False and (check.number in _NOT_FALSE or verdict != "false"):
        kind = "policy"
    detail = f'<span class="detail">{text(_sentence(check.detail))}</span>' if check.detail else ""
    return (
        f'<li class="{kind}{" long" if check.detail else ""}"><span class="sign">{sign}</span>'
        f'<span class="number">{text(check.number)}</span> <span>{text(check.name)}</span> '
        f'<span class="result">{word}</span>{detail}</li>'
    )


def _record(entry: Entry) -> str:
    rows = []
    for name, value in entry.record.items():
        shown = f"{value:,}" if isinstance(value, int) else text(value)
        shown = moment(value) if name == "block_time" else shown
        if value != "":  # else nobody claims one
            rows.append(described(_label(entry, name), f"<code>{shown}</code>"))
    return "".join(rows)


def _label(entry: Entry, name: str) -> str:
    """What a fact of a record is, and whose word it is."""
    native = entry.record.get("system", "") != ""
    established = any(check.number == "A5" and check.passed is True for check in entry.checks)
    label = RECORD_FIELDS.get(name, name.replace("_", " "))
    # what the event of a native record does not name, or else what only its contract says
    doubted = "verifier" if native else "verifier_code_hash"
    told = name in _TOLD or (name == doubted and not established)
    return (_NATIVE.get(name, label) if native else label) + (", as the node says" if told else "")


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
