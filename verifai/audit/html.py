"""The report on one self-contained page: no scripts, nothing from elsewhere, printable.

Everything that came from a file or a chain passes :func:`verifai.printable.html_text`.
"""

from __future__ import annotations

import shlex
from importlib import resources
from typing import Final

from verifai.audit import charts
from verifai.audit.entry import VERDICTS, Entry
from verifai.audit.sections import SIGNS, badge, described, moment, section, signed
from verifai.audit.summary import Summary
from verifai.printable import html_text as text

#: Proofs that get a section of their own, the worst first in line for it; the JSON has all.
MAX_SECTIONS: Final = 500
#: Proofs whose tensors are drawn.
MAX_DRAWN: Final = 100
#: Bars in the chart of gas.
MAX_GAS_BARS: Final = 40
#: Entries of one demand of the policy.
MAX_LISTED: Final = 20


def render(report: Summary) -> str:
    """The page."""
    style = (resources.files("verifai.audit") / "style.css").read_text("utf-8")
    shown = _shown(report)
    sections = "\n".join(
        section(number, entry, pictures=place < MAX_DRAWN)
        for place, (number, entry) in enumerate(shown)
    )
    sign, word = SIGNS[report.verdict]
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; \
base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{sign} {word}: verifai audit</title>
<style>
{style}
</style>
</head>
<body>
<header class="banner {report.verdict}"><div>
<p class="kicker">verifai audit</p>
<p class="verdict"><span class="sign" aria-hidden="true">{sign}</span>{word}</p>
<h1>{text(report.headline(), 2000)}</h1>
<dl class="meta">{_meta(report)}</dl>
</div></header>
<main>
{_cards(report)}
{_problems(report)}
{_overview(report, shown)}
{_gas(report)}
{_policy(report)}
{sections}
{_footer(report)}
</main>
</body>
</html>
"""


def _shown(report: Summary) -> list[tuple[int, Entry]]:
    numbered = list(enumerate(report.entries, 1))
    worst_first = sorted(numbered, key=lambda pair: -VERDICTS.index(pair[1].verdict))
    return sorted(worst_first[:MAX_SECTIONS], key=lambda pair: pair[0])


def _meta(report: Summary) -> str:
    pairs = [(name.replace("_", " "), value) for name, value in report.chain.items()]
    pairs += [("made", moment(report.made_at)), ("verifai", report.version)]
    guarantees = [entry.statement.guarantees for entry in report.entries if entry.statement]
    if provers := sorted({f"{one.backend} {one.version}" for one in guarantees}):
        pairs.append(("proved with", ", ".join(provers)))
    return "".join(described(name, text(value)) for name, value in pairs)


def _cards(report: Summary) -> str:
    cards = []
    for verdict in reversed(VERDICTS):
        sign, word = SIGNS[verdict]
        number = report.count(verdict)
        cards.append(
            f'<li class="{verdict if number else "none"}"><b>{number:,}</b>'
            f'<span><span class="sign">{sign}</span> {word}</span></li>'
        )
    models = {entry.statement.model for entry in report.entries if entry.statement}
    publishers = {entry.record.get("publisher") for entry in report.entries if signed(entry)}
    for count, one in ((len(models), "model"), (len(publishers), "publisher")):
        cards.append(f"<li><b>{count:,}</b><span>{one}{'' if count == 1 else 's'}</span></li>")
    return f'<ul class="cards">{"".join(cards)}</ul>'


def _problems(report: Summary) -> str:
    if not report.problems:
        return ""
    items = "".join(f"<li>{badge(p.verdict)} {text(p.text, 1000)}</li>" for p in report.problems)
    return f'<section><h2>The audit as a whole</h2><ul class="problems">{items}</ul></section>'


def _overview(report: Summary, shown: list[tuple[int, Entry]]) -> str:
    if len(report.entries) < 2:
        return ""
    rows = []
    for number, entry in shown:
        model = entry.statement.model[:12] if entry.statement else "unknown"
        record = entry.record
        rows.append(
            f'<tr><td><a href="#proof-{number}">{number}</a></td><td>{badge(entry.verdict)}</td>'
            f"<td><code>{text(model)}</code></td>"
            f'<td class="extra"><code>{text(record.get("publisher", ""), 42)}</code></td>'
            f'<td class="extra">{text(_block(report, entry), 60)}</td>'
            f'<td class="extra">{moment(record.get("block_time", ""))}</td></tr>'
        )
    left = len(report.entries) - len(shown)
    more = f'<p class="cut">{left:,} more, none of them worse, are in report.json</p>'
    return f"""<section><h2>All proofs</h2><table class="overview"><thead><tr><th>No.</th>
<th>Verdict</th><th>Model</th><th class="extra">Publisher</th><th class="extra">Block</th>
<th class="extra">Time</th></tr></thead><tbody>{"".join(rows)}</tbody></table>
{more if left else ""}</section>"""


def _block(report: Summary, entry: Entry) -> str:
    """The block's number, and its chain where the report is of several."""
    chains = {other.record.get("chain_id") for other in report.entries}
    number = str(entry.record.get("block_number", ""))
    return number if len(chains) < 2 else f"{number} of {entry.record.get('chain_id', '')}"


def _gas(report: Summary) -> str:
    found = [
        (f"proof {number}", float(gas))
        for number, entry in enumerate(report.entries, 1)
        if isinstance(gas := entry.record.get("gas_used"), int) and abs(gas) < 1 << 63
    ]
    if len(found) < 2:
        return ""
    labels, values = zip(*found[-MAX_GAS_BARS:], strict=True)
    cut = f", the latest {MAX_GAS_BARS} of {len(found):,}" if len(found) > MAX_GAS_BARS else ""
    heading = f"Gas per proof, as the node says{cut}"
    return f"<section><h2>{heading}</h2>{charts.bars(labels, values)}</section>"


def _policy(report: Summary) -> str:
    if report.policy is None:
        return ""
    rows = []
    for name, value in report.policy.items():
        if value in ([], None) or (name in ("matching_contract", "minimum_proofs") and not value):
            continue
        items = value if isinstance(value, list) else [str(value).lower()]
        shown = "<br>".join(f"<code>{text(item)}</code>" for item in items[:MAX_LISTED])
        if len(items) > MAX_LISTED:
            shown += f"<br>and {len(items) - MAX_LISTED:,} more"
        rows.append(described(name.replace("_", " "), shown))
    body = f"<dl>{''.join(rows)}</dl>" if rows else "<p>It demands nothing.</p>"
    return f"<section><h2>Policy</h2>{body}</section>"


def _footer(report: Summary) -> str:
    nodes = str(report.chain.get("url", report.chain.get("node", ""))).split(", ")
    known = all(node.startswith(("http://", "https://")) for node in nodes)
    url = " --chain ".join(map(shlex.quote, nodes)) if known else "URL"
    registry = str(report.chain.get("registries", ""))
    if registry.startswith("0x") and "," not in registry:
        url += f" --registry {shlex.quote(registry)}"
    policy = " --policy FILE" if report.policy is not None else ""
    command = f"verifai audit --chain {url}{policy} --out FOLDER"
    return f"""<footer>
<h2>How to check this page</h2>
<pre><code>{text(command, 500)}</code></pre>
<p>What was proved was checked here with the verifying keys of this audit. A transaction that check
A1 passes holds the proof, has the hash shown and bears its publisher's signature. Which records
there are, their blocks, times and gas are as the node says; it may keep back the newest ones.
Model, names and scales are what the key says of itself: compile the model to find out.</p>
<p><b>False</b> means checked and wrong. <b>Foreign</b> means that a record claims a key that
it does not belong to, as anyone can; it says nothing about the key. <b>Not checked</b> means that
something was missing, and says nothing about the proof. This page is a rendering of
<code>report.json</code> beside it; it runs no scripts and loads nothing.</p>
</footer>"""
