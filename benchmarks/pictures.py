"""The documentation's pictures: ``python -m benchmarks.pictures`` writes docs/pictures/*.svg.

``route``   from a torch module to a report, and who does what
``speed``   native against ezkl, from ``measured.json``, which ``benchmarks.compare --json`` wrote
``report``  the top of an audit's page, from the demo's ``report.json``

Each works on light and dark pages, loads nothing and runs nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any, Final

from verifai.audit import Report
from verifai.audit.html import render

FOLDER: Final = Path(__file__).parents[1] / "docs" / "pictures"
MEASURED: Final = Path(__file__).with_name("measured.json")
XMLNS: Final = 'xmlns="http://www.w3.org/2000/svg"'
#: Part of the report's page that is shown, in its pixels.
REPORT_SIZE: Final = (1000, 840)

STYLE: Final = """
:root { color-scheme: light dark; --ink: #1a1e23; --soft: #5a636e; --line: #c9d0d8; --ground: #fff;
  --box: #f2f5f9; --ours: #2a5db0; --theirs: #b8611f; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --soft: #a3adb8; --line: #444d57;
  --ground: #15181c; --box: #20262d; --ours: #86b2f9; --theirs: #efa060; } }
text { font: 13px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: var(--ink); }
.name { font-weight: 700; font-size: 15px; } .soft { fill: var(--soft); font-size: 12px; }
.code { font-family: ui-monospace, Menlo, "DejaVu Sans Mono", monospace; font-size: 11.5px;
  fill: var(--ours); }
.middle { text-anchor: middle; } .end { text-anchor: end; }
.box { fill: var(--box); stroke: var(--line); } .ground { fill: var(--ground); }
.arrow { stroke: var(--soft); fill: none; stroke-width: 1.5; marker-end: url(#tip); }
.tip { fill: var(--soft); } .rule { stroke: var(--line); }
.ours { fill: var(--ours); } .theirs { fill: var(--theirs); }
"""


def picture(width: int, height: int, title: str, description: str, body: Iterable[str]) -> str:
    """One SVG with its title, its description for who cannot see it, and a ground of its own."""
    return (
        f'<svg {XMLNS} width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-labelledby="title description">\n'
        f'<title id="title">{escape(title)}</title>\n'
        f'<desc id="description">{escape(description)}</desc>\n<style>{STYLE}</style>\n'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>\n'
        f'<rect class="ground" width="{width}" height="{height}" rx="8"/>\n'
        + "\n".join(body)
        + "\n</svg>\n"
    )


def words(x: float, y: float, text: str, kind: str = "") -> str:
    """One line of text."""
    return f'<text class="{kind}" x="{x:g}" y="{y:g}">{escape(text)}</text>'


#: Room, what becomes of what, what it makes; left edge and top of its box.
ROOMS: Final = (
    ("model", "torch → ONNX", "Model", 20, 108),
    ("graph", "→ integers", "IntegerGraph", 148, 108),
    ("circuit", "→ table, keys", "Circuit", 276, 108),
    ("backends", "input → proof", "ProvingKey", 414, 108),
    ("proof", "what travels", "Proof", 542, 108),
    ("verifier", "checks 1 to 7", "Statement", 690, 62),
    ("chain", "contract checks", "Receipt", 690, 154),
    ("audit", "all once more", "Report", 838, 108),
)
WIDE: Final = 112
#: Who, what they call, and from where to where.
PEOPLE: Final = (
    ("developer", "export · compile · setup", 20, 388),
    ("provider", "prove · publish", 414, 654),
    ("auditor", "verify · watch · audit", 690, 950),
)


def route() -> str:
    """The route of the data."""
    body = []
    for who, calls, left, right in PEOPLE:
        body.append(f'<path class="rule" d="M{left} 46H{right}"/>')
        body.append(words(left, 22, who, "name"))
        body.append(words(left, 39, calls, "code"))
    for name, what, made, left, top in ROOMS:
        body.append(f'<rect class="box" x="{left}" y="{top}" width="{WIDE}" height="72" rx="8"/>')
        middle = left + WIDE / 2
        body.append(words(middle, top + 22, name, "name middle"))
        body.append(words(middle, top + 41, what, "soft middle"))
        body.append(words(middle, top + 60, made, "code middle"))
    at = {name: (left, top + 36) for name, _, _, left, top in ROOMS}
    pairs = (
        ("model", "graph"), ("graph", "circuit"), ("circuit", "backends"), ("backends", "proof"),
        ("proof", "verifier"), ("proof", "chain"), ("verifier", "audit"), ("chain", "audit"),
    )  # fmt: skip
    for one, other in pairs:
        (x, y), (to_x, to_y) = at[one], at[other]
        body.append(f'<path class="arrow" d="M{x + WIDE + 2} {y}L{to_x - 2} {to_y}"/>')
    return picture(
        970,
        246,
        "The route of the data",
        "A developer exports a torch module to an ONNX model, which becomes an integer graph and a "
        "circuit with its keys. A provider proves with the proving key. The proof travels to a "
        "verifier, which gives its statement, and to a contract on a chain, which gives a "
        "receipt. An auditor checks everything once more, and gets a report.",
        body,
    )


#: Figure of a row, its title, and how it is shown.
PANELS: Final[tuple[tuple[str, str, Callable[[float], str]], ...]] = (
    ("prove_seconds", "Time to prove one inference", lambda x: f"{x:.3g} s"),
    ("peak_memory_mib", "Memory of the prover", lambda x: f"{x:,.0f} MiB"),
    ("proof_bytes", "Size of the proof", lambda x: f"{x:,} bytes"),
)


def speed(found: dict[str, Any]) -> str:
    """Bars, each pair to its own scale; where native loses too."""
    pairs: dict[str, dict[str, dict[str, Any]]] = {}
    for row in found["rows"]:
        if row["batch"] == 1:
            pairs.setdefault(row["model"], {})[row["backend"]] = row
    both = {model: rows for model, rows in pairs.items() if len(rows) == 2}
    machine, body, said, y = found["machine"], [], [], 30
    for name, title, shown in PANELS:
        body.append(words(20, y, title, "name"))
        for model, rows in both.items():
            ours, theirs = rows["native"][name], rows["ezkl"][name]
            least, most = sorted((ours, theirs))
            times = f"{float(f'{most / least:.2g}'):g} times {'less' if ours < theirs else 'more'}"
            body.append(words(20, y + 22, model))
            body.append(words(20, y + 38, f"{rows['native']['weights']:,} weights", "soft"))
            for place, backend in enumerate(("native", "ezkl")):
                value, top = rows[backend][name], y + 12 + 18 * place
                length = max(1.5, 360 * value / most)
                kind = "ours" if backend == "native" else "theirs"
                note = f"{backend} {shown(value)}" + (f": {times}" if backend == "native" else "")
                body.append(
                    f'<rect class="{kind}" x="140" y="{top}" width="{length:.1f}" height="13"/>'
                )
                body.append(words(148 + length, top + 11, note))
            said.append(f"{title}, {model}: native {shown(ours)}, ezkl {shown(theirs)}.")
            y += 46
        y += 38
    versions = machine["versions"]
    here = f"{machine['processor']} ({', '.join(machine['features'])}), {machine['cores']} cores"
    note = f"; {found['note']}" if "note" in found else ""
    body.append(words(20, y - 14, f"{here}, ezkl {versions['ezkl']}{note}", "soft"))
    body.append(words(20, y + 3, "Each pair of bars has its own scale.", "soft"))
    return picture(780, y + 18, "Native against ezkl", " ".join(said) + f" {here}.", body)


def report(found: Report) -> str:
    """The page that an audit writes, as it is, cut off where the picture ends."""
    width, height = REPORT_SIZE
    page = render(found)
    body = page[page.index("<body>") + 6 : page.index("<footer>")] + "</main>"
    for html, xml in (("<details open>", '<details open="open">'), ("<svg ", f"<svg {XMLNS} ")):
        body = body.replace(html, xml)
    style = (resources.files("verifai.audit") / "style.css").read_text("utf-8")
    style = style[: style.index("@media (max-width")]  # not a telephone, not paper
    return (
        f'<svg {XMLNS} width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-labelledby="title description">\n'
        f'<title id="title">An audit report</title>\n'
        f'<desc id="description">The top of the page that verifai audit writes: '
        f"{escape(found.headline())}</desc>\n<style>{escape(style)}</style>\n"
        f'<foreignObject width="{width}" height="{height}">'
        f'<body xmlns="http://www.w3.org/1999/xhtml">{body}</body></foreignObject>\n</svg>\n'
    )


def pictures() -> dict[str, str]:
    """All of them, by name."""
    return {
        "route": route(),
        "speed": speed(json.loads(MEASURED.read_text())),
        "report": report(Report.load(FOLDER / "report.json")),
    }


def main() -> None:
    """Write them."""
    for name, text in pictures().items():
        (FOLDER / f"{name}.svg").write_text(text)
        print(FOLDER / f"{name}.svg")


if __name__ == "__main__":
    main()
