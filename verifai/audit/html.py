"""The report on one self-contained page: no scripts, nothing from elsewhere, printable.

Everything that came from a file or a chain passes :func:`text`, which escapes markup, shows
control and bidirectional characters instead of obeying them, and cuts what is too long.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from html import escape
from importlib import resources
from typing import Any, Final

from verifai.audit import charts
from verifai.audit.report import Entry, Report
from verifai.verifier import CheckResult

#: Longest text from outside that is shown in one piece.
MAX_SHOWN: Final = 240
_UNPRINTABLE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
_SIGNS: Final = {
    "verified": ("✓", "Verified"),
    "policy": ("▲", "Against policy"),
    "unchecked": ("?", "Not checked"),
    "false": ("✕", "False"),
}


def text(value: Any) -> str:
    """``value`` as safe HTML text."""
    shown = _UNPRINTABLE.sub(lambda m: f"\\u{ord(m.group()):04x}", str(value))
    if len(shown) > MAX_SHOWN:
        shown = f"{shown[:MAX_SHOWN]}… ({len(shown)} characters)"
    return escape(shown)


def render(report: Report) -> str:
    """The page."""
    style = (resources.files("verifai.audit") / "style.css").read_text("utf-8")
    sections = "\n".join(_entry(index, entry) for index, entry in enumerate(report.entries, 1))
    made = datetime.fromtimestamp(report.made_at, timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    sign, word = _SIGNS[report.verdict]
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>verifai audit: {text(word)}</title>
<style>
{style}
</style>
</head>
<body>
<main>
<header class="{report.verdict}">
<p class="verdict"><span class="sign" aria-hidden="true">{sign}</span> {word}</p>
<h1>{text(report.headline())}</h1>
<p class="meta">{_facts(report.chain)} · {made} · verifai {text(report.version)}</p>
</header>
{_cards(report)}
{_gas(report)}
{_policy(report)}
{sections}
<footer>
<p>Everything above was recomputed from the chain's events, calldata and the verifying keys;
nothing was taken from the publisher's word. To check it again:
<code>verifai audit --chain URL --out FOLDER</code>.
This page is a rendering of <code>report.json</code> beside it.</p>
</footer>
</main>
</body>
</html>
"""


def _facts(chain: Any) -> str:
    return " · ".join(text(value) for value in chain.values())


def _cards(report: Report) -> str:
    counts = dict.fromkeys(_SIGNS, 0)
    for entry in report.entries:
        counts[entry.verdict] += 1
    models = {entry.statement.model for entry in report.entries if entry.statement}
    cards = [
        f'<li class="{verdict}"><b>{counts[verdict]}</b><span>{sign} {word}</span></li>'
        for verdict, (sign, word) in _SIGNS.items()
    ]
    cards.append(f"<li><b>{len(models)}</b><span>models</span></li>")
    return f'<ul class="cards">{"".join(cards)}</ul>'


def _gas(report: Report) -> str:
    shown = report.entries[-charts.MAX_BARS :]
    if len(shown) < 2:
        return ""
    labels = [f"#{len(report.entries) - len(shown) + i}" for i in range(1, len(shown) + 1)]
    values = [float(entry.record["gas_used"]) for entry in shown]
    chart = charts.bars(labels, values, mark_best=False)
    return f"<section><h2>Gas of each publication</h2>{chart}</section>"


def _policy(report: Report) -> str:
    if report.policy is None:
        return ""
    rows = "".join(
        f"<dt>{text(name.replace('_', ' '))}</dt><dd>{text(value)}</dd>"
        for name, value in report.policy.items()
        if value not in ([], None, False, 0)
    )
    return f"<section><h2>Policy</h2><dl>{rows or '<dt>no demands</dt><dd></dd>'}</dl></section>"


def _entry(index: int, entry: Entry) -> str:
    sign, word = _SIGNS[entry.verdict]
    reason = f'<p class="reason">{text(entry.reason)}</p>' if entry.reason else ""
    warnings = "".join(f"<li>{text(warning)}</li>" for warning in entry.warnings)
    checks = "".join(_check(check) for check in entry.checks)
    return f"""<section class="entry {entry.verdict}" id="proof-{index}">
<h2><span class="badge">{sign} {word}</span> Proof {index}</h2>
{reason}
{f'<ul class="warnings">{warnings}</ul>' if warnings else ""}
{_claim(entry)}
<details open><summary>Checks</summary><table>
<thead><tr><th>No.</th><th>Check</th><th>Result</th><th>Detail</th></tr></thead>
<tbody>{checks}</tbody></table></details>
<details><summary>On chain</summary><dl>{_record(entry)}</dl></details>
</section>"""


def _claim(entry: Entry) -> str:
    if entry.statement is None:
        return '<p class="claim">What was claimed could not be read.</p>'
    sentences = "".join(f"<li>{text(line)}</li>" for line in entry.statement.sentences())
    pictures = "".join(charts.image(claim) for claim in entry.statement.inputs)
    pictures += "".join(charts.outputs(claim) for claim in entry.statement.outputs)
    figure = ""
    if pictures:
        figure = f"<figure>{pictures}<figcaption>public input → public output</figcaption></figure>"
    title = "What was proved" if entry.verdict in ("verified", "policy") else "What was claimed"
    return f'<div class="claim"><h3>{title}</h3><ul>{sentences}</ul>{figure}</div>'


def _check(check: CheckResult) -> str:
    kind, word = {
        True: ("verified", "✓ passed"),
        False: ("false", "✕ failed"),
        None: ("skipped", "– not run"),
    }[check.passed]
    return (
        f"<tr><td>{text(check.number)}</td><td>{text(check.name)}</td>"
        f'<td class="{kind}">{word}</td><td>{text(check.detail)}</td></tr>'
    )


def _record(entry: Entry) -> str:
    rows = []
    for name, value in entry.record.items():
        shown = text(value)
        if name == "block_time":
            when = datetime.fromtimestamp(int(value), timezone.utc)
            shown = when.strftime("%Y-%m-%d %H:%M:%S UTC")
        rows.append(f"<dt>{text(name.replace('_', ' '))}</dt><dd><code>{shown}</code></dd>")
    return "".join(rows)
