"""What a way to attack works on: one field of one claim, and everything an attacker has."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from tests.hostile.fields import Field, Reading, read, statement_fields
from tests.hostile.targets import Target
from tests.soundness.proofs import Claim


class Scene:
    """A target with its fields.

    Attributes:
        strangers: honest claims about other circuits.
        fields: of the proof in order, then of the statement and the key.
    """

    def __init__(self, target: Target, strangers: tuple[Claim, ...] = ()) -> None:
        self.target = target
        self.honest = target.honest
        self.strangers = strangers
        self.reading: Reading = read(target.honest)
        whole = [
            Field("table", "table", 0, 0, "table", 0, len(target.honest.table)),
            Field("batch", "batch", 0, 0, "integer", 0, 0),
        ]
        self.fields = [*self.reading.fields, *statement_fields(target.honest), *whole]

    @cached_property
    def by_part(self) -> dict[str, list[Field]]:
        """The fields of each part."""
        found: dict[str, list[Field]] = {}
        for each in self.fields:
            found.setdefault(each.part, []).append(each)
        return found

    @cached_property
    def by_message(self) -> dict[tuple[str, int], list[Field]]:
        """The fields of each message of the proof."""
        found: dict[tuple[str, int], list[Field]] = {}
        for each in self.by_part["proof"]:
            found.setdefault((each.label, each.message), []).append(each)
        return found

    @cached_property
    def true(self) -> set[Claim]:
        """Claims that hold: what happens to be one of them is no attack."""
        return {self.honest, *self.target.donors.values(), *self.strangers}


@dataclass
class Try:
    """One attempt in the making: the field, and the random numbers to draw from."""

    scene: Scene
    field: Field
    random: random.Random

    @property
    def claim(self) -> Claim:
        return self.scene.honest

    @property
    def part(self) -> bytes:
        """The part that holds the field."""
        part: bytes = getattr(self.claim, self.field.part)
        return part

    @property
    def value(self) -> bytes:
        """The field's bytes."""
        return self.field.of(self.claim)

    @property
    def siblings(self) -> list[Field]:
        """The fields of the same part."""
        return self.scene.by_part[self.field.part]

    @property
    def message(self) -> list[Field]:
        """The fields of the same message."""
        return self.scene.by_message[self.field.label, self.field.message]

    def but(self, **changes: Any) -> Claim:
        return self.claim.but(**changes)

    def with_part(self, data: bytes) -> Claim:
        """The claim with other bytes as the field's part."""
        return self.but(**{self.field.part: data})

    def with_value(self, data: bytes) -> Claim:
        """The claim with other bytes as the field; as many, or not."""
        return self.with_part(self.part[: self.field.start] + data + self.part[self.field.end :])


Change = Callable[[Try], Claim | None]

#: The parts whose elements can be cut, doubled and moved.
SEQUENCES: Final = ("proof", "words", "commitments")


@dataclass(frozen=True)
class Way:
    """One way to attack: a row of the suite.

    Attributes:
        name: as figures list it.
        group: the heading it belongs to.
        kinds: of the fields that it changes; () for all.
        parts: that hold these fields; () for all.
        change: makes the claim, or None where it does not apply.
    """

    name: str
    group: str
    kinds: tuple[str, ...]
    parts: tuple[str, ...]
    change: Change

    def applies(self, field: Field) -> bool:
        """Whether fields like this one can be changed this way."""
        return (not self.kinds or field.kind in self.kinds) and (
            not self.parts or field.part in self.parts
        )
