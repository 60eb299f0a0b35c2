"""Backends side by side: ``python -m benchmarks.compare --models mlp,lenet --json FILE``.

For each model and backend the steps of :mod:`benchmarks.steps` run one after another, each in a
fresh process, so that one's memory is not another's. Times are wall seconds and medians of several
runs; memory is the peak of the largest process of a step, the backend's workers included.
``benchmarks/README.md`` documents the JSON.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.machine import installed, machine

BACKENDS: Final = ("native", "ezkl")
#: What ezkl carries on an ordinary machine. LeNet takes minutes and 11 GiB.
EZKL_MODELS: Final = "digits,mlp,lenet"
#: Proofs of the native backend whose median counts.
NATIVE_PROOFS: Final = 9
#: Figures that are compared: below 1 the native backend is better.
RATIOS: Final = (
    "setup_seconds",
    "witness_seconds",
    "prove_seconds",
    "verify_seconds",
    "peak_memory_mib",
    "proving_key_bytes",
    "verifying_key_bytes",
    "proof_bytes",
    "compared_error",
)


def step(name: str, folder: Path, *arguments: object) -> dict[str, Any]:
    """One step in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.steps", name, str(folder), *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"The step {name!r} failed, see above.")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(
    model: str, backends: list[str], proofs: int, batches: list[int]
) -> Iterator[dict[str, Any]]:
    """A row for each backend, and for each batch where the backend proves batches."""
    with tempfile.TemporaryDirectory(prefix="verifai-bench-") as name:
        folder = Path(name)
        exported = step("export", folder, model)
        for backend in backends:
            keys = step("setup", folder, backend)
            faithful = step("fidelity", folder)
            native = backend == "native"
            for batch in batches if native else [1]:
                proved = step("prove", folder, NATIVE_PROOFS if native else proofs, batch)
                yield {"model": model, "backend": backend, **exported, **keys, **proved, **faithful}


def ratios(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """native / ezkl for each model that both proved, one inference each."""
    by_pair = {(row["model"], row["backend"]): row for row in rows if row["batch"] == 1}
    out = []
    for (model, backend), native in by_pair.items():
        ezkl = by_pair.get((model, "ezkl"))
        if backend == "native" and ezkl:
            figures = {name: native[name] / ezkl[name] for name in RATIOS if ezkl[name]}
            out.append({"model": model, **figures})
    return out


def figures_table(rows: list[dict[str, Any]]) -> Table:
    """The rows for people."""
    table = Table(title="medians; memory is the prover's peak; the error is of the output range")
    for heading in (
        "model", "backend", "weights", "compile s", "setup s", "witness s", "prove s", "best",
        "cores", "verify s", "in Rust", "peak MiB", "pk MiB", "vk kB", "proof B", "error %",
        "top-1 %",
    ):  # fmt: skip
        table.add_column(heading, justify="left" if heading in ("model", "backend") else "right")
    for row in rows:
        batch = f" x{row['batch']}" if row["batch"] > 1 else ""
        rust = row.get("verify_rust_seconds")
        table.add_row(
            row["model"] + batch,
            row["backend"],
            f"{row['weights']:,}",
            f"{row['compile_seconds']:.2f}",
            f"{row['setup_seconds']:.2f}",
            f"{row['witness_seconds']:.3f}",
            f"{row['prove_seconds']:.3f}",
            f"{row['prove_seconds_best']:.3f}",
            f"{row['prove_cores']:.1f}",
            f"{row['verify_seconds']:.3f}",
            f"{rust:.4f}" if rust else "",
            f"{row['peak_memory_mib']:,.0f}",
            f"{row['proving_key_bytes'] / 2**20:,.2f}",
            f"{row['verifying_key_bytes'] / 1e3:,.1f}",
            f"{row['proof_bytes']:,}",
            f"{100 * row['relative_error']:.3f}",
            f"{100 * row['top1_agreement']:.1f}",
        )
    return table


def ratios_table(rows: list[dict[str, Any]]) -> Table:
    """native / ezkl, with the places where the native backend loses."""
    table = Table(title="native / ezkl in this run: below 1 native is better")
    table.add_column("model")
    names = [name for name in RATIOS if any(name in row for row in rows)]
    for name in names:
        table.add_column(name.replace("_", " "), justify="right")
    for row in rows:
        cells = [f"{row[name]:.3g}" if name in row else "" for name in names]
        lost = [name in row and row[name] > 1 for name in names]
        table.add_row(
            row["model"],
            *(f"[red]{c}[/red]" if bad else c for c, bad in zip(cells, lost, strict=True)),
        )
    return table


def main() -> None:
    """Run the pairs one after another, print tables, write the JSON."""
    default = [name for name in BACKENDS if name == "native" or installed("ezkl")]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default="digits,mlp", help="names in benchmarks/models.py")
    parser.add_argument("--backends", default=",".join(default), help="default: all installed")
    parser.add_argument("--ezkl-models", default=EZKL_MODELS, help="models that ezkl is given")
    parser.add_argument("--proofs", type=int, default=3, help="proofs by ezkl; the median counts")
    parser.add_argument("--batches", default="1", help="inferences per native proof: 1,64")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    models = arguments.models.split(",")
    backends = arguments.backends.split(",")
    if unknown := sorted(set(backends) - set(BACKENDS)):
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(BACKENDS)}")
    batches = [int(batch) for batch in arguments.batches.split(",")]
    console, rows, here = Console(), [], machine()
    console.print(
        f"{here['processor']} ({', '.join(here['features'])}), {here['cores']} cores, "
        f"{here['memory_gib']} GiB, python {here['python']}, "
        + ", ".join(f"{name} {version}" for name, version in here["versions"].items())
    )
    for model in models:
        carries = [
            name for name in backends if name != "ezkl" or model in arguments.ezkl_models.split(",")
        ]
        for row in measure(model, carries, arguments.proofs, batches):
            rows.append(row)
            console.print(
                f"{model} {row['backend']} x{row['batch']}: prove {row['prove_seconds']:.3f} s, "
                f"{row['peak_memory_mib']:,.0f} MiB"
            )
            if arguments.json:  # after each row: an interrupted run keeps what it has
                found = {"machine": here, "rows": rows, "ratios": ratios(rows)}
                arguments.json.write_text(json.dumps(found, indent=2) + "\n")
    console.print(figures_table(rows))
    if compared := ratios(rows):
        console.print(ratios_table(compared))


if __name__ == "__main__":
    main()
