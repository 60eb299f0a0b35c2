"""Pictures, where people look rather than read: pixel images and bars, without scripts.

A bar is an SVG that stretches with the page, its label and value are text beside it, so that both
stay readable on a telephone and on paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby
from typing import Final

import numpy as np
from numpy.typing import NDArray

from verifai.proof import TensorClaim

#: An input is drawn if its last two axes are equal and within these sizes: most images are.
_IMAGE_SIDES: Final = range(4, 65)
#: Planes (batch or channels) of one tensor that are drawn.
MAX_PLANES: Final = 8
#: Shades of grey; fewer shades are fewer paths in the page.
_SHADES: Final = 64
#: Rows (batch) of one output that are drawn, and bars in each.
MAX_ROWS: Final = 4
MAX_BARS: Final = 12


def images(claim: TensorClaim) -> str:
    """A public tensor that looks like grey images, as pixels; else nothing."""
    shape = claim.shape
    if claim.integers is None or len(shape) < 2 or shape[-1] != shape[-2]:
        return ""
    side = shape[-1]
    if side not in _IMAGE_SIDES or claim.spec.size > MAX_PLANES * side * side:
        return ""
    pixels = claim.values.reshape(-1, side, side)
    low, high = float(pixels.min()), float(pixels.max())
    shades = np.rint((pixels - low) * ((_SHADES - 1) / ((high - low) or 1.0))).astype(int)
    return "".join(_plane(plane) for plane in shades)


def _plane(shades: NDArray[np.int_]) -> str:
    """One path per shade, one stroke per run of equal pixels: an image stays a few kilobytes."""
    side = len(shades)
    paths: dict[int, list[str]] = {}
    for y, row in enumerate(shades.tolist()):
        x = 0
        for shade, run in groupby(row):
            width = len(list(run))
            paths.setdefault(shade, []).append(f"M{x} {y}h{width}v1h-{width}z")
            x += width
    drawn = []
    for shade, path in sorted(paths.items()):
        grey = round(255 * shade / (_SHADES - 1))
        drawn.append(f'<path fill="rgb({grey},{grey},{grey})" d="{"".join(path)}"/>')
    return (
        f'<svg class="pixels" viewBox="0 0 {side} {side}" role="img" shape-rendering="crispEdges" '
        f'aria-label="public input as an image, {side} by {side} pixels">{"".join(drawn)}</svg>'
    )


def outputs(claim: TensorClaim) -> str:
    """A public output as bars, one chart per row, the largest value of each marked."""
    if claim.integers is None or claim.spec.size < 2:
        return ""
    width = claim.shape[-1] if claim.shape[-1] > 1 else claim.spec.size
    rows = claim.values.reshape(-1, width)
    charts = []
    for number, row in enumerate(rows[:MAX_ROWS]):
        values = [float(value) for value in row]
        chosen, cut = list(range(width)), ""
        best = max(chosen, key=values.__getitem__)
        if width > MAX_BARS:  # the largest ones, largest first
            chosen = sorted(chosen, key=lambda i: -values[i])[:MAX_BARS]
            cut = f'<p class="cut">the {MAX_BARS} largest of {width:,} values</p>'
        title = f'<p class="cut">row {number}</p>' if len(rows) > 1 else ""
        labels = [str(index) for index in chosen]
        chart = bars(labels, [values[i] for i in chosen], best=chosen.index(best))
        charts.append(title + chart + cut)
    if len(rows) > MAX_ROWS:
        charts.append(f'<p class="cut">the first {MAX_ROWS} of {len(rows):,} rows</p>')
    return "".join(charts)


def bars(labels: Sequence[str], values: Sequence[float], *, best: int | None = None) -> str:
    """Horizontal bars around zero, one row per value.

    Args:
        labels: plain text.
        values: finite.
        best: index of the value to mark as the largest.
    """
    low, high = min(0.0, *values), max(0.0, *values)
    span = (high - low) or 1.0
    zero = 100 * -low / span
    axis = f'<path class="axis" d="M{zero:.2f} 0v10"/>' if low < 0 else ""
    rows = []
    for index, (label, value) in enumerate(zip(labels, values, strict=True)):
        length = max(100 * abs(value) / span, 0.4)  # zero stays visible
        x = min(zero if value >= 0 else zero - length, 99.6)
        kind, mark = "bar", ""
        if index == best:
            kind, mark = "bar best", ' <span class="largest">largest</span>'
        rows.append(
            f'<li class="{kind}"><span class="label">{escape(label)}</span>'
            '<svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
            f'<rect x="{x:.2f}" y="0" width="{length:.2f}" height="10"/>{axis}</svg>'
            f'<span class="value">{number_text(value)}{mark}</span></li>'
        )
    return f'<ol class="bars">{"".join(rows)}</ol>'


def number_text(value: float) -> str:
    """Whole numbers with separators, others with four significant digits."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.4g}"
