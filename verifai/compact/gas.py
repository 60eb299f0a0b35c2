"""What publishing a proof costs in gas, from the operation table alone; the cheapest layout.

What the contract does is known before anybody proves: the order of messages gives rounds and
points, the compact table gives the operations. The gas of each kind of work was fitted to measured
transactions (``python -m benchmarks.gas_model``).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any, Final

from verifai.compact.frame import Frame
from verifai.compact.program import Op, Program
from verifai.compact.table import MAX_TABLE_BYTES, operations_of, size_of
from verifai.errors import LimitError, UnsupportedError
from verifai.proof.codec import canonical_json

#: Columns of the commitment that are compared, log2.
LOG_COLUMNS: Final = range(10, 19)
#: Those to compare where only the difference is wanted.
FEW_COLUMNS: Final = (12, 14, 16)
#: Gas that one transaction may take (EIP-7825).
MAX_GAS: Final = 1 << 24
#: The model's error, as a share: a smaller difference says nothing.
ERROR: Final = 0.01
#: Gas of one unit of each kind of work; :func:`work_of` counts the units. "combined" and "entry",
#: which none of the fitted models has, are what the contract's operation takes for one entry more.
GAS: Final[dict[str, float]] = {
    "block": 6.3,
    "claim": 109,
    "column bit": 8196,
    "combined": 90,
    "contracted": 84,
    "cube bit": 1693,
    "draw": 236,
    "end bit": 85,
    "entry": 100,
    "eq": 136,
    "eq apart": 121,
    "eq bit": 145,
    "eq level": 116,
    "factor": 148,
    "fold": 35.8,
    "fold bit": 72,
    "hiding": 16690,
    "instance": 1579,
    "line": 440,
    "long": 988,
    "memory": 5.9,
    "name": 40.8,
    "pad": 180,
    "pair": 48.6,
    "path bit": 80,
    "place": 109,
    "point bit": 70,
    "prefix bit": 125,
    "product": 39.8,
    "proof byte": 16.0,
    "round": 1102,
    "row": 7023,
    "scattered": 169,
    "short": 287,
    "sum": 53,
    "table": 6082,
    "table entry": 511,
    "transaction": 228958,
    "triple": 1113,
    "word": 379,
}


@dataclass(frozen=True)
class Price:
    """What one layout of a circuit costs on a chain.

    Attributes:
        outer_axes: whether tensors keep outer axes, as a prover likes it; without them every axis
            is padded to a power of two, and the contract computes more in closed form.
        log_columns: log2 of the commitment's columns.
        gas: of publishing a proof, estimated.
        size: bytes of the compact table, which has to fit the code of a contract.
    """

    outer_axes: bool
    log_columns: int
    gas: int
    size: int

    @property
    def fits(self) -> bool:
        """Whether a contract holds the table, and a transaction the verification."""
        return self.size <= MAX_TABLE_BYTES and self.gas <= MAX_GAS


def price(table: bytes, batch: int = 1) -> Price:
    """The price of an operation table as it is laid out.

    Raises:
        MalformedError, LimitError: not a table, or one beyond the proof system's limits.
        UnsupportedError: a circuit that the contract's format cannot hold.
    """
    frame = Frame.read(table, batch)
    program = operations_of(frame)
    work = work_of(frame, program)
    gas = sum(GAS[kind] * count for kind, count in work.items())
    outer_axes = any(tile.get("outer") for tile in _tiles(json.loads(table)))
    return Price(outer_axes, frame.layout.log_columns, round(gas), size_of(frame, program))


def prices(table: bytes, batch: int = 1, columns: Iterable[int] = LOG_COLUMNS) -> list[Price]:
    """The price of every layout of a circuit: with the outer axes that ``table`` has and without,
    each with every number of columns; those left out that cannot be verified on a chain at all.
    """
    return [found for found in _prices(table, batch, columns) if isinstance(found, Price)]


def cheapest(table: bytes, batch: int = 1, columns: Iterable[int] = LOG_COLUMNS) -> Price:
    """The layout of :func:`prices` that takes the least gas.

    Raises:
        UnsupportedError: no layout fits a contract.
    """
    tried = list(_prices(table, batch, columns))
    found = [one for one in tried if isinstance(one, Price)]
    if fitting := [one for one in found if one.fits]:
        return min(fitting, key=lambda one: one.gas)
    if found:
        best = min(found, key=lambda one: (one.size, one.gas))
        problem = (
            f"its compact table has {best.size:,} bytes and verifying takes about {best.gas:,} "
            f"gas; a contract holds {MAX_TABLE_BYTES:,} bytes, a transaction {MAX_GAS:,} gas"
        )
    else:
        problem = str(tried[-1])
    raise UnsupportedError(
        f"No layout of this circuit can be verified on an EVM chain: {problem}.",
        hint="Fewer operators, or smaller lookup tables (tanh, sigmoid and the like take two bytes "
        "and about 500 gas for each value of their input: activation_bits=10 makes them small, and "
        "less exact). Offline the circuit works: leave target='evm' out.",
    )


@lru_cache(maxsize=8)
def saving(table: bytes, batch: int = 1) -> int:
    """Gas that a proof takes more than in a layout made for a chain, about; 0 where the difference
    is within the model's error. That layout is chosen for one inference: no circuit is for a batch.
    """
    alone, now = price(table).gas, price(table, batch).gas
    fitting = [one for one in prices(table, columns=FEW_COLUMNS) if one.fits]
    chosen = min(fitting, key=lambda one: one.gas, default=None)
    if chosen is None or alone - chosen.gas <= ERROR * alone:
        return 0
    found = prices(table, batch, [chosen.log_columns])
    best = min((one.gas for one in found if one.outer_axes == chosen.outer_axes), default=now)
    return now - best if now - best > ERROR * now else 0


def _prices(
    table: bytes, batch: int, columns: Iterable[int]
) -> Iterator[Price | LimitError | UnsupportedError]:
    fields = json.loads(table)
    columns = tuple(columns)
    for outer_axes in (True, False):
        if not outer_axes:
            placed = [tile for tile in _tiles(fields) if tile.get("outer")]
            if not placed:  # the same layouts again
                return
            for tile in placed:
                tile["outer"] = []
        for log_columns in columns:
            try:
                yield price(canonical_json({**fields, "log_columns": log_columns}), batch)
            except (LimitError, UnsupportedError) as error:
                yield error


def _tiles(fields: dict[str, Any]) -> list[dict[str, Any]]:
    """Whatever of an operation table has a place in the committed vector or in the cube."""
    return [*fields["nodes"], *fields["product"], *fields["lookup"]]


def work_of(frame: Frame, program: Program) -> Counter[str]:
    """How much there is of each kind of work."""
    layout, table = frame.layout, frame.table
    rows = sum(map(len, layout.rows.values())) + sum(map(len, layout.linked))
    entries = sum(len(custom.outputs) for custom in table.tables)
    instances = len(frame.instances)
    work = Counter(
        {
            "transaction": 1,
            "proof byte": frame.circuit.proof_bytes,
            "row": rows,
            "column bit": layout.log_columns,
            "cube bit": layout.cube,
            "round": layout.variables + frame.rounds,
            "table entry": entries,
            "table": len(table.tables),
            "instance": instances,
            "claim": frame.claims,
            "word": frame.circuit.word_count,
            "draw": sum(frame.word_sizes) + sum(frame.zero_sizes) + sum(frame.entry_sizes),
            "block": size_of(frame, program) // 32,
            "memory": program.memory + program.scalars,
        }
    )
    if frame.hiding:
        work += Counter(
            {
                "hiding": 1,
                "pad": 6 * layout.cube + 2 * (frame.rounds + layout.variables),
                "triple": instances,
            }
        )
    for op, fields in program.steps:
        work.update(_work_of_step(op, fields))
    return work


def _work_of_step(op: Op, f: tuple[int, ...]) -> dict[str, int]:
    match op:
        case Op.PAIRS:
            return {"short": 1, "pair": f[0]}
        case Op.PRODUCT:
            return {"short": 1, "factor": f[0]}
        case Op.EQ_AT:
            return {"short": 1, "eq bit": f[0]}
        case Op.PREFIX | Op.BETWEEN:
            count = len(f) - 3
            return {"short": count, "prefix bit" if f[1] else "end bit": f[0] * count}
        case Op.INTERVAL:
            count, n, start = f[:3]
            ends = 2 if start else 1
            return {"long": 1, "path bit": ends * n, "point bit": ends * n * count}
        case Op.EQ_SLOTS:
            return {"long": 1, **_eq_range(*f[1:])}
        case Op.EQ_RANGE:
            return {"long": 1, **_eq_range(*f[2:])}
        case Op.POINT:
            return {"long": 1, "name": f[0]}
        case Op.DOT:
            return {"long": 1, "product": f[2]}
        case Op.BILINEAR:
            return {"long": 1, "line": f[1], "product": f[1] * f[3]}
        case Op.TOTAL:
            return {"long": 1, "sum": f[1]}
        case Op.EVALUATE:
            return {"long": 1, "fold": f[1], "fold bit": f[3]}
        case Op.COMBINE:
            return {"long": 1, "combined": f[1] * f[2]}
        case Op.CONTRACT:
            return {"long": 1, "contracted": f[3] * f[4] * f[5]}
        case Op.ENTRYWISE:
            return {"long": 1, "entry": f[3]}
        case Op.EQ_ROWS:
            return {"long": f[1], "eq bit": f[1] * f[5] * f[7]}
        case Op.PLACE:
            return {"long": 1, "place": f[3]}
        case Op.SCATTER:
            lengths = [max(length, 1) for length in f[5::3]]
            return {"long": 1, "scattered": prod(lengths), "line": prod(lengths[:-1])}
    return {}


def _eq_range(n: int, start: int, count: int) -> dict[str, int]:
    rest = (start ^ (start + count - 1)).bit_length()
    aligned = start % (1 << rest) == 0
    return {"eq bit": n - rest, "eq level": rest, "eq" if aligned else "eq apart": count}
