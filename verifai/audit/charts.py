"""Small pictures as inline SVG, where people look rather than read."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

import numpy as np

from verifai.proof import TensorClaim

#: An input is drawn if its last two axes are equal and within these sizes: most images are.
_IMAGE_SIDES: Final = range(4, 65)
#: Outputs with at most this many values are drawn as bars.
MAX_BARS: Final = 32


def image(claim: TensorClaim) -> str:
    """A public tensor that looks like a grey image, as pixels; else nothing."""
    shape = claim.shape
    if claim.integers is None or len(shape) < 2 or shape[-1] != shape[-2]:
        return ""
    side = shape[-1]
    if side not in _IMAGE_SIDES or claim.spec.size != side * side:
        return ""
    pixels = claim.values.reshape(side, side)
    low, high = float(pixels.min()), float(pixels.max())
    shades = np.round(255 * (pixels - low) / ((high - low) or 1.0)).astype(int)
    cells = "".join(
        f'<rect x="{x}" y="{y}" width="1.02" height="1.02" fill="rgb({v},{v},{v})"/>'
        for y, row in enumerate(shades.tolist())
        for x, v in enumerate(row)
    )
    return (
        f'<svg class="pixels" viewBox="0 0 {side} {side}" role="img" '
        f'aria-label="input image, {side} by {side} pixels">{cells}</svg>'
    )


def bars(labels: Sequence[str], values: Sequence[float], *, mark_best: bool) -> str:
    """Horizontal bars around zero, one per value, the largest marked."""
    if not values:
        return ""
    row, left, width = 22, 64, 380
    low, high = min(0.0, *values), max(0.0, *values)
    span = (high - low) or 1.0
    zero = left + width * -low / span
    best = max(range(len(values)), key=values.__getitem__)
    parts = []
    for index, (label, value) in enumerate(zip(labels, values, strict=True)):
        length = width * abs(value) / span
        x = zero if value >= 0 else zero - length
        y = index * row
        kind = "best" if mark_best and index == best else "bar"
        parts.append(
            f'<text x="{left - 8}" y="{y + 15}" text-anchor="end">{escape(label)}</text>'
            f'<rect class="{kind}" x="{x:.1f}" y="{y + 3}" width="{max(length, 1):.1f}" '
            f'height="{row - 7}" rx="2"/>'
            f'<text class="value" x="{left + width + 8}" y="{y + 15}">{value:,.4g}</text>'
        )
    return (
        f'<svg class="bars" viewBox="0 0 {left + width + 90} {len(values) * row}" role="img" '
        f'aria-label="bar chart">{"".join(parts)}</svg>'
    )


def outputs(claim: TensorClaim) -> str:
    """A public output of few values as bars; else nothing."""
    if claim.integers is None or not 1 < claim.spec.size <= MAX_BARS:
        return ""
    values = [float(value) for value in claim.values.reshape(-1)]
    return bars([str(index) for index in range(len(values))], values, mark_best=True)
