"""What a process has made of its proving keys: once for each key, whichever thread asks first."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Final, Generic, TypeVar
from weakref import WeakKeyDictionary

from verifai.circuit.artefact import ProvingKey

T = TypeVar("T")


@dataclass(eq=False)
class _Slot(Generic[T]):
    """``made`` is empty until ``lock`` was held to fill it."""

    made: list[T] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)


class PerKey(Generic[T]):
    """One value for each key, for as long as the key lives.

    Args:
        make: the value of a key; threads that ask for the same one wait for the first.
        inherited: whether a forked child goes on with what its parent had made, or makes its own.
    """

    def __init__(self, make: Callable[[ProvingKey], T], *, inherited: bool) -> None:
        self._make: Final = make
        self._inherited: Final = inherited
        self._slots: WeakKeyDictionary[ProvingKey, _Slot[T]] = WeakKeyDictionary()
        os.register_at_fork(after_in_child=self._begin_again)

    def of(self, key: ProvingKey) -> T:
        """The key's value. Raises what making it raises, and makes it again when asked again."""
        slot = self._slots.setdefault(key, _Slot())
        with slot.lock:
            if not slot.made:
                slot.made.append(self._make(key))
            return slot.made[0]

    def put(self, key: ProvingKey, value: T) -> None:
        """The value of a key that nobody has asked for."""
        self._slots[key] = _Slot([value])

    def _begin_again(self) -> None:
        """In a child, a lock that some other thread of the parent's held would stay held."""
        finished = self._slots.items() if self._inherited else ()
        kept = {key: _Slot(list(slot.made)) for key, slot in finished}
        self._slots = WeakKeyDictionary(kept)
