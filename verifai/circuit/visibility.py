"""Who gets to see what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from verifai.errors import UsageError, shown
from verifai.proof.statement import WEIGHT_VISIBILITIES
from verifai.proof.tensor import VISIBILITIES

Role = Literal["input", "output"]


@dataclass(frozen=True)
class Visibility:
    """What a proof discloses.

    Attributes:
        input, output: ``public`` puts the values into the statement; ``committed`` puts a
            commitment there; ``private`` shows only that such values exist. One word for all, or
            words by name, ``{"ids": "public", "history": "private"}``: what is not named is public.
        weights: ``private`` keeps them out of statement and key in clear. Either way the
            verifying key binds the proof to exactly these weights. A key shows the architecture,
            attributes and literals of operators, the power of two of the largest number of each
            tensor, and, learned or not, bounds of Clip, values of Pad, exponents of Pow and scales
            of Resize (the whole list: ``docs/protocol.md``, "What a key shows"). With the ezkl
            backend, or without zero knowledge, a key also tests any guess of the weights.
    """

    input: str | Mapping[str, str] = "public"
    output: str | Mapping[str, str] = "public"
    weights: str = "private"

    def __post_init__(self) -> None:
        for name, allowed in (
            ("input", VISIBILITIES),
            ("output", VISIBILITIES),
            ("weights", WEIGHT_VISIBILITIES),
        ):
            given = getattr(self, name)
            if isinstance(given, Mapping) and name != "weights":
                object.__setattr__(self, name, dict(given))
                words = list(given.values())
            else:
                words = [given]
            for word in words:
                if not isinstance(word, str) or word not in allowed:
                    raise UsageError(
                        f"Visibility of {name} is one of {list(allowed)}, found {shown(word)}."
                    )

    def of(self, role: Role, names: Sequence[str]) -> tuple[str, ...]:
        """The word for each of the model's inputs or outputs, in their order.

        Raises:
            UsageError: a word is for a name that is not among ``names``.
        """
        given: str | Mapping[str, str] = getattr(self, role)
        if isinstance(given, str):
            return (given,) * len(names)
        if strangers := sorted(set(given) - set(names)):
            raise UsageError(
                f"The model has no {role} {shown(strangers[0])}.",
                hint=f"Its {role}s are {', '.join(map(repr, names))}.",
            )
        return tuple(given.get(name, "public") for name in names)

    def to_json(self) -> dict[str, Any]:
        """The words as a JSON object."""
        return dict(vars(self))
