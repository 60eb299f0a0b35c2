"""The gas model against transactions: ``python -m benchmarks.gas_model [--write]``.

Every model below is published in every layout that ``compile(target="evm")`` chooses from, and the
gas of each kind of work (:data:`verifai.compact.gas.GAS`) is fitted anew to what that took:
regularised least squares, from the figures that are there. Prints both; ``--write`` records the
measured ones for the tests.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from torch import nn

import verifai
from benchmarks.gas import anvil
from benchmarks.models import MODELS, Workload, _random
from verifai.circuit.lower import lower
from verifai.circuit.restore import parameters
from verifai.compact.frame import Frame
from verifai.compact.gas import GAS, work_of
from verifai.compact.table import operations_of

RECORD: Final = Path(__file__).parent / "gas_layouts.json"
#: How far a figure may go from the one before, relatively, for a relative error of 1 everywhere.
STIFFNESS: Final = 0.02


def _sigmoid() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 4), nn.Sigmoid(), nn.Linear(4, 2))


#: Models by name, with inferences and columns. The first two are what the tests compare.
CASES: Final = {
    "digits": (MODELS["digits"], (1,), (11, 12, 13, 14)),
    "lenet": (MODELS["lenet"], (1,), (13, 15, 16)),
    "mlp-10k": (MODELS["mlp-10k"], (1, 5), (13,)),
    "sigmoid": (lambda: _random(_sigmoid, 6), (1,), (13, 15)),
}


def laid_out(circuit: Any, visibility: Any, outer_axes: bool, log_columns: int) -> Any:
    """The circuit in a layout of one's own choice."""
    lowered = lower(
        circuit.restored.graph,
        visibility,
        log_columns=log_columns,
        hiding=True,
        outer_axes=outer_axes,
    )
    own = parameters(visibility, log_columns, lowered, outer_axes)
    return replace(circuit, parameters=own)


def measured(chain: Any) -> Iterator[tuple[dict[str, Any], Any]]:
    """Rows of the record, with the work that each is the gas of."""
    for name, (make, batches, columns) in CASES.items():
        workload: Workload = make()
        model = workload.exported()
        circuit = verifai.compile(
            model, workload.calibration, options=verifai.NativeOptions(tolerance=0.2)
        )
        for outer_axes in (True, False):
            for log_columns in columns:
                placed = laid_out(circuit, verifai.Visibility(), outer_axes, log_columns)
                pk, vk = verifai.setup(placed)
                for batch in batches:
                    x = workload.held_out[0] if batch == 1 else workload.held_out[:batch]
                    gas = chain.publish(verifai.prove(pk, x, batch=batch > 1), vk).gas_used
                    row = {"model": name, "batch": batch, "outer_axes": outer_axes}
                    row |= {"log_columns": log_columns, "gas": gas}
                    print(row, flush=True)
                    frame = Frame.read(bytes(vk.material[0]), batch)
                    yield row, work_of(frame, operations_of(frame))


def fitted(gas: list[int], works: list[Any]) -> dict[str, float]:
    """The gas of each kind of work: relative errors squared, and relative changes squared."""
    kinds = sorted(GAS)
    before = np.array([GAS[kind] for kind in kinds])
    share = np.array([[work[kind] for kind in kinds] for work in works]) * before
    share /= np.array(gas)[:, None]
    change = STIFFNESS * np.eye(len(kinds))
    system = np.vstack([share, change])
    right = np.concatenate([np.ones(len(gas)), change.sum(axis=1)])
    found = np.linalg.lstsq(system, right, rcond=None)[0]
    return dict(zip(kinds, np.round(found * before, 2).tolist(), strict=True))


def main() -> None:
    """Measure, fit, print, and record if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help=f"write {RECORD.name}")
    arguments = parser.parse_args()
    with anvil() as url, verifai.chain.connect(url) as chain:
        next(measured(chain))  # a publisher's first record takes 17,100 gas more
        rows, works = zip(*measured(chain), strict=True)
    gas = [row["gas"] for row in rows]
    found = fitted(gas, list(works))
    for row, work in zip(rows, works, strict=True):
        now, then = (sum(table[kind] * work[kind] for kind in table) for table in (GAS, found))
        print(row, f"{now / row['gas'] - 1:+.2%}, fitted {then / row['gas'] - 1:+.2%}")
    print(json.dumps(found, indent=4))
    if arguments.write:
        text = json.dumps(rows, indent=1, sort_keys=True) + "\n"
        RECORD.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
