"""Cost against size, as an SVG: ``python -m benchmarks.plot FILE`` draws FILE with the ending svg.

FILE is the JSON of ``python -m benchmarks.compare``. Both axes are logarithmic: a cost that is
linear in the weights is a line parallel to the dashed one.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

WIDTH: Final = 460
HEIGHT: Final = 360
MARGIN: Final = 60
COLOURS: Final = {"native": "#1f5fbf", "ezkl": "#c2571a"}
#: Figure of a row, and its title.
PANELS: Final = (
    ("prove_seconds", "seconds to prove one inference"),
    ("peak_memory_mib", "peak memory of the prover, MiB"),
)
STYLE: Final = (
    "text{font:12px sans-serif;fill:#333}.title{font-weight:bold}.grid{stroke:#ddd}"
    ".line{fill:none;stroke-width:2}.linear{stroke:#999;stroke-dasharray:5 4;fill:none}"
)


class Axis:
    """Powers of ten between two ends of a panel."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        self.low = math.floor(math.log10(min(values)))
        self.high = max(self.low + 1, math.ceil(math.log10(max(values))))
        self.start, self.end = start, end

    def at(self, value: float) -> float:
        """Where a value lies."""
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        """The powers of ten."""
        return [10.0**power for power in range(self.low, self.high + 1)]


def tick(value: float) -> str:
    """A power of ten, written out."""
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def ladder(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The ladder's rows for one inference, smallest first; without a ladder those of all models."""
    single = [row for row in rows if row["batch"] == 1]
    rungs = [row for row in single if row["model"].startswith("mlp-")] or single
    return sorted(rungs, key=lambda row: row["weights"])


def drawing(rows: Sequence[dict[str, Any]], caption: str) -> str:
    """The panels side by side."""
    chosen = ladder(rows)
    panels = "".join(
        f'<g transform="translate({WIDTH * place} 0)">{panel(chosen, name, title)}</g>'
        for place, (name, title) in enumerate(PANELS)
    )
    width, height = WIDTH * len(PANELS), HEIGHT + 24
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="cost against number of weights"><style>{STYLE}</style>'
        f'<rect width="{width}" height="{height}" fill="#fff"/>{panels}'
        f'<text x="{MARGIN}" y="{height - 8}">{escape(caption)}</text></svg>\n'
    )


def panel(rows: Sequence[dict[str, Any]], name: str, title: str) -> str:
    """One figure against the number of weights, a line per backend."""
    across = Axis([row["weights"] for row in rows], MARGIN, WIDTH - 20)
    up = Axis([row[name] for row in rows], HEIGHT - MARGIN, 40)
    out = [f'<text class="title" x="{MARGIN}" y="22">{escape(title)}</text>']
    for value in across.ticks():
        x = across.at(value)
        out.append(f'<path class="grid" d="M{x:.1f} {up.start}V{up.end}"/>')
        out.append(
            f'<text x="{x:.1f}" y="{up.start + 18}" text-anchor="middle">{tick(value)}</text>'
        )
    for value in up.ticks():
        y = up.at(value)
        out.append(f'<path class="grid" d="M{across.start} {y:.1f}H{across.end}"/>')
        out.append(
            f'<text x="{across.start - 6}" y="{y + 4:.1f}" text-anchor="end">{tick(value)}</text>'
        )
    middle = (across.start + across.end) / 2
    out.append(f'<text x="{middle}" y="{up.start + 38}" text-anchor="middle">weights</text>')
    out.append(_proportional(rows, name, across, up))
    for place, backend in enumerate(dict.fromkeys(row["backend"] for row in rows)):
        colour = COLOURS.get(backend, "#333")
        own = [row for row in rows if row["backend"] == backend]
        points = [(across.at(row["weights"]), up.at(row[name])) for row in own]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        out.append(f'<path class="line" stroke="{colour}" d="M{path}"/>')
        for row, (x, y) in zip(own, points, strict=True):
            label = escape(f"{row['model']}, {backend}: {row[name]:,.3g}")
            out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}">')
            out.append(f"<title>{label}</title></circle>")
        out.append(
            f'<text x="{across.start + 8}" y="{up.end + 14 + 16 * place}" '
            f'style="fill:{colour}">{escape(backend)}</text>'
        )
    return "".join(out)


def _proportional(rows: Sequence[dict[str, Any]], name: str, across: Axis, up: Axis) -> str:
    """Cost in proportion to the weights, through the largest rung, down to the bottom edge."""
    last = rows[-1]
    slope = last[name] / last["weights"]
    left = max(10.0**across.low, 10.0**up.low / slope)
    ends = [(left, left * slope), (last["weights"], last[name])]
    path = "L".join(f"{across.at(x):.1f} {up.at(y):.1f}" for x, y in ends)
    return f'<path class="linear" d="M{path}"><title>linear</title></path>'


def main() -> None:
    """Draw one file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    file = parser.parse_args().file
    found = json.loads(file.read_text())
    here = found["machine"]
    target = file.with_suffix(".svg")
    target.write_text(drawing(found["rows"], f"{here['processor']}, {here['cores']} cores"))
    print(target)


if __name__ == "__main__":
    main()
