"""Lengths that a file leaves open, and what they are fixed to.

Circuits are static. An open axis has a name of its own (``sequence``), shared by all axes of the
same length, an expression of such names (``past + 1``), or no name. Whoever loads the model gives
lengths by name, or whole shapes of inputs. A batch axis nobody speaks of becomes 1: an axis that is
in front of the inputs and nowhere else, without a name or with one and the same.
"""

from __future__ import annotations

import ast
import operator
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, TypeAlias

from verifai.errors import LimitError, MalformedError, UnsupportedError, UsageError, shown
from verifai.limits import MAX_NAME_LENGTH, MAX_TENSOR_ELEMENTS
from verifai.model.structure import check_shape

#: What a user gives: lengths of symbols, or whole shapes of inputs.
Shapes: TypeAlias = Mapping[str, "int | Sequence[int]"]
#: One axis: its length, its name, or None where it has neither.
Axis: TypeAlias = "int | str | None"

#: Names that exporters make up where there is none: tf2onnx, Paddle, and shape inference.
_MADE_UP: Final = re.compile(
    r"unk__\d+|(p2o\.)?DynamicDimension\.\d+|\?|-1|None|unknown\w*", re.ASCII
)
_BATCH: Final = re.compile(r"batch", re.IGNORECASE)
#: An axis in front that is called like this is no batch.
_LENGTH: Final = re.compile(r"seq|time|len|step|frame|token|past|point|node|edge|sampl", re.I)
_OPERATIONS: Final[Mapping[type, Callable[[int, int], int]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
}
#: An axis that is called like this may be of an image.
_IMAGE: Final = re.compile(r"height|width|image|size", re.IGNORECASE)
#: Length of an expression that is read as one.
_MAX_EXPRESSION: Final = 80
#: Open axes that a message spells out.
_MAX_SHOWN: Final = 20
#: Lengths that the examples of a message have.
_SIDE, _SEQUENCE = 224, 16


def fix_shapes(graph: Any, shapes: Shapes | None, source: str) -> list[str]:
    """Give every input of a ``GraphProto`` a static shape, in place.

    Args:
        shapes: lengths by the names of symbols, shapes by the names of inputs.
        source: path of the model, for the message that asks for lengths.

    Returns:
        What was fixed, in words.

    Raises:
        UnsupportedError: lengths that are still open, all in one message; ``details["shapes"]`` has
            an example of each.
        UsageError: shapes that contradict the file or each other, or name nothing in it.
        LimitError, MalformedError: shapes that no tensor has.
    """
    weights = {tensor.name for tensor in graph.initializer}
    values = [value for value in graph.input if value.name not in weights and _is_tensor(value)]
    lengths = Lengths({value.name: _axes(value) for value in values})
    for name, given in (shapes or {}).items():
        lengths.give(name, given)
    lengths.default_batch()
    lengths.settle()
    if lengths.is_open():
        raise _question(lengths, source)
    for value in values:
        shape = lengths.shape(value.name)
        check_shape(shape, f"Input {value.name[:80]!r}")
        described = value.type.tensor_type.shape
        described.ClearField("dim")
        for length in shape:
            described.dim.add(dim_value=length)
    return lengths.notes


def _is_tensor(value: Any) -> bool:
    return bool(value.type.WhichOneof("value") == "tensor_type")


def _axes(value: Any) -> list[Axis] | None:
    """An input's axes; None if the file does not say how many there are."""
    what = f"Input {value.name[:80]!r}"
    if not value.type.tensor_type.HasField("shape"):
        return None
    found: list[Axis] = []
    for dim in value.type.tensor_type.shape.dim:
        name, length = dim.dim_param, dim.dim_value
        if len(name) > MAX_NAME_LENGTH:
            raise LimitError(f"{what} has a symbol longer than MAX_NAME_LENGTH.")
        if length < -1:
            raise MalformedError(f"{what} has the impossible shape {[*found, length]}.")
        if length > 0:
            found.append(length)
        else:  # some exporters write 0 or -1 where nothing is known
            found.append(name if name and not _MADE_UP.fullmatch(name) else None)
    check_shape([axis if isinstance(axis, int) else 1 for axis in found], what)
    return found


class Lengths:
    """The lengths of all axes of a model's inputs, as far as they are known.

    Attributes:
        axes: by input; None where even their number is open.
        known: length by symbol.
        notes: what was fixed, in words.
    """

    def __init__(self, axes: Mapping[str, list[Axis] | None]):
        self.axes = dict(axes)
        self.known: dict[str, int] = {}
        self.notes: list[str] = []
        every = [axis for each in self.axes.values() for axis in each or ()]
        self.symbols = list(
            dict.fromkeys(name for axis in every if isinstance(axis, str) for name in _names(axis))
        )
        self._front_given: set[int] = set()

    # -- what is given

    def give(self, name: str, given: int | Sequence[int]) -> None:
        """What the user gives of one symbol or input.

        Raises:
            UsageError: it contradicts the file or what was given before, or names nothing.
        """
        numbers = _numbers(name, given)
        one = len(numbers) == 1 and (not isinstance(given, Sequence) or name not in self.axes)
        if name in self.symbols and one:
            self._bind(name, numbers[0], f"shapes[{name!r}]")
        elif name in self.axes:
            self._shape(name, numbers)
        else:
            raise UsageError(
                f"shapes names {shown(name)}; the model has the inputs {list(self.axes)} and "
                f"{f'the symbols {self.symbols}' if self.symbols else 'no symbols'}."
            )

    def _shape(self, name: str, numbers: list[int]) -> None:
        axes = self.axes[name]
        if axes is None:
            self.axes[name] = [*numbers]
            self.notes.append(f"{name} has shape {numbers}")
            return
        if len(axes) != len(numbers):
            raise UsageError(f"Input {name!r} has {len(axes)} axes, {_written(axes)}: {numbers}?")
        for place, (axis, number) in enumerate(zip(axes, numbers, strict=True)):
            if axis is None:
                axes[place] = number
                self.notes.append(f"axis {place} of {name} is {number}")
                self._front_given |= {number} if place == 0 else set()
            elif isinstance(axis, str):
                if _names(axis) == [axis]:
                    self._bind(axis, number, f"axis {place} of input {name!r}")
                else:
                    self.notes.append(f"{axis} is {number}")
                    axes[place] = number
            elif axis != number:
                raise UsageError(
                    f"Axis {place} of input {name!r} has length {axis} in the file, not {number}.",
                    hint="Only what the file leaves open can be given.",
                )

    def _bind(self, symbol: str, length: int, by: str) -> None:
        if self.known.get(symbol, length) != length:
            raise UsageError(
                f"The symbol {symbol!r} is {self.known[symbol]} already, and {length} by {by}."
            )
        if symbol not in self.known:
            self.known[symbol] = length
            self.notes.append(f"{symbol} is {length}")
        in_front = any(axes and axes[0] == symbol for axes in self.axes.values())
        if in_front and not _LENGTH.search(symbol):
            self._front_given.add(length)

    # -- what is taken for granted

    def default_batch(self) -> None:
        """Make the batch axis 1, if it is open and it is clear which one it is."""
        batch = [name for name in self.symbols if _BATCH.search(name) and _names(name) == [name]]
        if not batch and (only := self._one_in_front()):
            batch = [only]
        if not self._front_given - {1}:
            for name in batch:
                if name not in self.known:
                    self.known[name] = 1
                    self.notes.append(f"the batch axis {name} is 1")
            for name, axes in self.axes.items():
                if axes and axes[0] is None and (len(axes) > 1 or batch):
                    axes[0] = 1
                    self.notes.append(f"axis 0 of {name}, taken for its batch, is 1")

    def _one_in_front(self) -> str | None:
        """The one symbol that is in front of inputs and nowhere else, if it may be a batch."""
        holders = [axes for axes in self.axes.values() if axes]
        front = {axes[0] for axes in holders if isinstance(axes[0], str)} - self.known.keys()
        behind = {
            name
            for axes in holders
            for axis in axes[1:]
            if isinstance(axis, str)
            for name in _names(axis)
        }
        matrices = any(len(axes) > 1 for axes in holders if isinstance(axes[0], str))
        if len(front) != 1 or front & behind or not matrices:
            return None
        (name,) = front
        return None if _LENGTH.search(name) or _names(name) != [name] else name

    def settle(self) -> None:
        """Put lengths in the place of symbols that are known, and of what is computed of them."""
        for name, axes in self.axes.items():
            for place, axis in enumerate(axes or ()):
                if axes and isinstance(axis, str) and self.known.keys() >= set(_names(axis)):
                    length = _value(axis, self.known)
                    if length < 1:
                        raise UsageError(f"Axis {place} of input {name!r}, {axis}, is {length}.")
                    axes[place] = length

    # -- what there is

    def is_open(self) -> bool:
        return any(
            axes is None or not all(isinstance(axis, int) for axis in axes)
            for axes in self.axes.values()
        )

    def shape(self, name: str) -> list[int]:
        """The shape of an input, once nothing of it is open."""
        return [axis for axis in self.axes[name] or () if isinstance(axis, int)]

    def open_symbols(self) -> dict[str, list[str]]:
        """Where each open symbol stands."""
        found: dict[str, list[str]] = {}
        for name, axes in self.axes.items():
            for place, axis in enumerate(axes or ()):
                for symbol in _names(axis) if isinstance(axis, str) else ():
                    if symbol not in self.known:
                        found.setdefault(symbol, []).append(f"axis {place} of {name}")
        return found

    def examples(self) -> dict[str, int | tuple[int, ...]]:
        """Lengths and shapes that would settle what is open."""
        found: dict[str, int | tuple[int, ...]] = {
            symbol: _SIDE if _IMAGE.search(symbol) else _SEQUENCE for symbol in self.open_symbols()
        }
        lengths = self.known | {k: v for k, v in found.items() if isinstance(v, int)}
        for name, axes in self.axes.items():
            if axes is None:
                found[name] = (1, _SEQUENCE)
            elif None in axes:
                guesses = (1, 3, _SIDE, _SIDE) if len(axes) == 4 else (1, *[_SEQUENCE] * len(axes))
                found[name] = tuple(
                    guess
                    if axis is None
                    else axis
                    if isinstance(axis, int)
                    else _value(axis, lengths)
                    for axis, guess in zip(axes, guesses, strict=False)
                )
                found = {k: v for k, v in found.items() if k not in axes}
        return found


def _question(lengths: Lengths, source: str) -> UnsupportedError:
    """The error that asks for all that is open, with a call that says it."""
    wanted = [
        f"{symbol!r} ({', '.join(places[:4])}{', ...' if len(places) > 4 else ''})"
        for symbol, places in lengths.open_symbols().items()
    ]
    for name, axes in lengths.axes.items():
        if axes is None:
            wanted.append(f"the shape of {name!r}")
        elif None in axes:
            places = [str(place) for place, axis in enumerate(axes) if axis is None]
            wanted.append(f"axis {', '.join(places)} of {name!r}, which has no name")
    more = f"; and {len(wanted) - _MAX_SHOWN} more" if len(wanted) > _MAX_SHOWN else ""
    examples = lengths.examples()
    options = " ".join(
        f"--shape {shlex.quote(f'{name}={_words(given)}')}" for name, given in examples.items()
    )
    return UnsupportedError(
        f"The model leaves lengths open: {'; '.join(wanted[:_MAX_SHOWN])}{more}.",
        hint="A circuit has one shape. Say which, for example "
        f"verifai.load({source!r}, shapes={examples!r}); on the command line "
        f"verifai compile {shlex.quote(source)} {options} ...",
        shapes=examples,
    )


def _written(axes: Sequence[Axis]) -> str:
    return f"[{', '.join('?' if axis is None else str(axis) for axis in axes)}]"


def _words(given: int | tuple[int, ...]) -> str:
    return ",".join(map(str, (given,) if isinstance(given, int) else given))


def _numbers(name: object, given: object) -> list[int]:
    """One length, or those of a shape.

    Raises:
        UsageError: something else.
        LimitError: more than a tensor has.
    """
    items: list[Any] = list(given) if isinstance(given, (list, tuple)) else [given]
    try:
        numbers = [operator.index(item) for item in items if not isinstance(item, bool)]
    except TypeError:
        numbers = []
    good = isinstance(name, str) and len(numbers) == len(items)
    if not good or any(number < 1 for number in numbers):
        raise UsageError(
            f"shapes maps names to lengths or shapes, not {shown(name)} to {shown(given)}.",
            hint="shapes={'sequence': 16, 'image': (1, 3, 224, 224)}",
        )
    if any(number > MAX_TENSOR_ELEMENTS for number in numbers):
        raise LimitError(f"shapes[{name!r}] has a length above MAX_TENSOR_ELEMENTS.")
    check_shape(numbers, f"shapes[{name!r}]")
    return numbers


# -- expressions of symbols


@lru_cache(maxsize=1024)
def _parsed(axis: str) -> ast.expr | None:
    """An axis that is an expression of symbols, as torch exports them; None if it is a name."""
    if len(axis) > _MAX_EXPRESSION or axis.isidentifier():
        return None
    try:
        tree = ast.parse(axis, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    for part in ast.walk(tree):
        if isinstance(part, ast.BinOp):
            fine = type(part.op) in _OPERATIONS
        elif isinstance(part, ast.Constant):
            fine = type(part.value) is int and part.value <= MAX_TENSOR_ELEMENTS
        else:
            fine = isinstance(part, (ast.Name, ast.Load, ast.operator))
        if not fine:
            return None
    return tree


def _names(axis: str) -> list[str]:
    """The symbols in an axis: those of an expression, else its name."""
    tree = _parsed(axis)
    if tree is None:
        return [axis]
    found = sorted({part.id for part in ast.walk(tree) if isinstance(part, ast.Name)})
    return found or [axis]


def _value(axis: str, known: Mapping[str, int]) -> int:
    """The length of an axis whose symbols are known; 0 where it divides by zero."""

    def value(tree: ast.expr) -> int:
        if isinstance(tree, ast.BinOp):
            left, right = value(tree.left), value(tree.right)
            if isinstance(tree.op, ast.FloorDiv) and right == 0:
                return 0
            return _OPERATIONS[type(tree.op)](left, right)
        if isinstance(tree, ast.Constant):
            return int(str(tree.value))
        assert isinstance(tree, ast.Name)
        return known[tree.id]

    tree = _parsed(axis) if axis not in known else None
    return known[axis] if tree is None else value(tree)
