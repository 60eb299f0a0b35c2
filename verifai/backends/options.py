"""What ``compile`` can be told, for each proof system: typed, and checked when it is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Final, Literal, TypeAlias

from verifai.errors import UsageError, shown
from verifai.graph import Options
from verifai.graph.fidelity import DEFAULT_TOLERANCE, tolerance_of

#: Where proofs are checked, which decides how a circuit is laid out.
Target: TypeAlias = Literal["offline", "evm"]


@dataclass(frozen=True, kw_only=True)
class NativeOptions(Options):
    """Options of the native backend: those of :class:`verifai.graph.Options`, and these.

    Attributes:
        zero_knowledge: whether what is private stays hidden. Without it proofs are a little smaller
            and faster. Every statement says which it was.
        tolerance: how far the circuit may be from the model, from 0 to 1: the largest error as a
            share of an output's range, and the largest share of rows with another top-1.
        log_columns: log2 of the columns of the committed matrix; None leaves them to the target.
            More columns need a larger reference string, and make proofs smaller.
    """

    backend: ClassVar[str] = "native"
    zero_knowledge: bool = True
    tolerance: float = DEFAULT_TOLERANCE
    log_columns: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if type(self.zero_knowledge) is not bool:
            raise UsageError(f"zero_knowledge is True or False, not {shown(self.zero_knowledge)}.")
        object.__setattr__(self, "tolerance", tolerance_of(self.tolerance))


@dataclass(frozen=True, kw_only=True)
class EzklOptions:
    """Options of the ezkl backend, whose proofs always hide what is private.

    Attributes:
        tolerance: how far the circuit may be from the model, from 0 to 1: the largest error as a
            share of an output's range.
        scales: those that ezkl's calibration tries, log2; None leaves them to ezkl.
        input_scale, param_scale, logrows, num_inner_cols, decomp_base, decomp_legs,
            disable_freivalds: passed on to ezkl's ``PyRunArgs``; None leaves them to ezkl.
    """

    backend: ClassVar[str] = "ezkl"
    #: ezkl's rounding gives 0.05 to 0.2 %; an operator that it compiles into another, tens of per
    #: cent.
    tolerance: float = 0.02
    scales: Sequence[int] | None = None
    input_scale: int | None = None
    param_scale: int | None = None
    logrows: int | None = None
    num_inner_cols: int | None = None
    decomp_base: int | None = None
    decomp_legs: int | None = None
    disable_freivalds: bool | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "tolerance", tolerance_of(self.tolerance))
        for name, value in self.run_arguments().items():
            wanted = bool if name == "disable_freivalds" else int
            if type(value) is not wanted:
                raise UsageError(f"{name} is of type {wanted.__name__}, not {shown(value)}.")
        scales = self.scales
        if scales is not None and not (
            isinstance(scales, (list, tuple)) and scales and all(type(s) is int for s in scales)
        ):
            raise UsageError(f"scales is a list of integers, not {shown(scales)}.")

    def run_arguments(self) -> dict[str, Any]:
        """What is passed on to ezkl's ``PyRunArgs``, by name."""
        names = [field.name for field in fields(self)][2:]
        return {name: value for name in names if (value := getattr(self, name)) is not None}


BackendOptions = NativeOptions | EzklOptions
#: By the name of their backend.
OPTIONS: Final[dict[str, type[BackendOptions]]] = {
    kind.backend: kind for kind in (NativeOptions, EzklOptions)
}
