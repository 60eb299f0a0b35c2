"""Who gets to see what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from verifai.errors import UsageError, shown
from verifai.proof.statement import WEIGHT_VISIBILITIES
from verifai.proof.tensor import VISIBILITIES


@dataclass(frozen=True)
class Visibility:
    """What a proof discloses.

    Attributes:
        input, output: ``public`` puts the values into the statement; ``committed`` puts a
            commitment there; ``private`` shows only that such values exist.
        weights: ``private`` keeps them out of statement and key in clear. Either way the
            verifying key binds the proof to exactly these weights. A key shows the architecture,
            attributes and literals of operators, the power of two of the largest number of each
            tensor, and, learned or not, bounds of Clip, values of Pad, exponents of Pow and scales
            of Resize (the whole list: ``docs/protocol.md``, "What a key shows"). With the ezkl
            backend, or without zero knowledge, a key also tests any guess of the weights.
    """

    input: str = "public"
    output: str = "public"
    weights: str = "private"

    def __post_init__(self) -> None:
        for name, allowed in (
            ("input", VISIBILITIES),
            ("output", VISIBILITIES),
            ("weights", WEIGHT_VISIBILITIES),
        ):
            if getattr(self, name) not in allowed:
                raise UsageError(
                    f"Visibility of {name} is one of {list(allowed)}, "
                    f"found {shown(getattr(self, name))}."
                )

    def to_json(self) -> dict[str, Any]:
        """The three words as a JSON object."""
        return dict(vars(self))
