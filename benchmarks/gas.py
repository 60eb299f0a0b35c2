"""Gas of publishing proofs: ``python -m benchmarks.gas [--ezkl digits] [--write]``.

Everything is a real transaction on anvil, through the registry, event included, hiding on. anvil is
installed with npm on first use. ``--write`` records ``docs/gas.json`` and makes ``docs/gas.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

from benchmarks.models import MODELS

Target = Literal["offline", "evm"]

ROOT: Final = Path(__file__).parents[1]
RECORD: Final = ROOT / "docs" / "gas.json"
PAGE: Final = ROOT / "docs" / "gas.md"
#: Model, visibility of the input, inferences, target, log2 of the columns if they are chosen here:
#: the target chooses for one inference, and batches like more of them.
CASES: Final = (
    ("digits", "public", 1, "offline", None),
    ("digits", "public", 1, "evm", None),
    ("digits", "public", 64, "evm", 15),
    ("digits", "private", 64, "evm", 15),
    ("digits", "committed", 64, "evm", 15),
    ("lenet", "public", 1, "offline", None),
    ("lenet", "public", 1, "evm", None),
    ("lenet", "private", 1, "offline", None),
    ("lenet", "private", 1, "evm", None),
    ("lenet", "committed", 1, "evm", None),
    ("recommender", "public", 1, "offline", None),
    ("recommender", "public", 1, "evm", None),
    ("small-forest", "public", 1, "offline", None),
    ("small-forest", "public", 1, "evm", None),
)
#: Gas of a byte of calldata: zero, other; and the floors of EIP-7623 and EIP-7976.
CALLDATA: Final = (4, 16)
PROPOSED_FLOOR: Final = 64
BASE: Final = 21_000


@contextmanager
def anvil() -> Iterator[str]:
    """The URL of a fresh node with its default rules."""
    from verifai.contracts.toolchain import npm_install
    from verifai.home import home

    package = ROOT / "tests" / "chain" / "anvil"
    target = npm_install(package, home() / "tools" / "anvil-1.7.1", "anvil")
    binary = target / "node_modules" / "@foundry-rs" / "anvil-linux-amd64" / "bin" / "anvil"
    binary.chmod(0o755)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    words = [str(binary), "--host", "127.0.0.1", "--port", str(port), "--silent"]
    process = subprocess.Popen(words, start_new_session=True, stdin=subprocess.DEVNULL)
    try:
        for _ in range(400):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def measure(chain: Any, case: tuple[str, str, int, Target, int | None]) -> dict[str, Any]:
    """One published proof."""
    import verifai

    name, visible, batch, target, log_columns = case
    workload = MODELS[name]()
    circuit = verifai.compile(
        workload.exported(),
        workload.calibration,
        visibility=verifai.Visibility(input=visible),
        target=target,
        options=verifai.NativeOptions(log_columns=log_columns),
    )
    pk, vk = verifai.setup(circuit)
    inputs = workload.held_out[0] if batch == 1 else workload.held_out[:batch]
    proof = verifai.prove(pk, inputs, batch=batch > 1)
    receipt = chain.publish(proof, vk)
    return {
        "model": name,
        "input": visible,
        "batch": batch,
        "target": target,
        "log_columns": circuit.restored.lowered.operations.log_columns,
        "proof_bytes": len(proof.argument),
        "registration": receipt.deployed_gas,
        **transaction(chain, receipt),
    }


def transaction(chain: Any, receipt: Any) -> dict[str, int]:
    """What a transaction's gas consists of, and what EIP-7976 would make of it."""
    data = bytes(chain.web3.eth.get_transaction(receipt.transaction_hash)["input"])
    zeros = data.count(0)
    calldata = CALLDATA[0] * zeros + CALLDATA[1] * (len(data) - zeros)
    return {
        "gas": receipt.gas_used,
        "calldata": calldata,
        "execution": receipt.gas_used - BASE - calldata,
        "proposed": max(receipt.gas_used, BASE + PROPOSED_FLOOR * len(data)),
    }


def incumbent(chain: Any, name: str) -> dict[str, Any]:
    """The same model with ezkl, its generated verifier and the registry beside it."""
    import verifai

    workload = MODELS[name]()
    model = workload.exported()
    circuit = verifai.compile(model, workload.calibration[:8], options=verifai.EzklOptions())
    pk, vk = verifai.setup(circuit)
    receipt = chain.publish(verifai.prove(pk, workload.held_out[0]), vk)
    return {"model": name, "deployment": receipt.deployed_gas, **transaction(chain, receipt)}


def page(found: dict[str, Any]) -> str:
    """The documentation's page."""
    lines = [
        "# Gas",
        "",
        "This page is generated: `make gas` measures and writes it. Every figure is one transaction"
        " on anvil 1.7.1 (Osaka's rules), through the registry, with its event, hiding on,"
        " development reference string.",
        "",
        f"Deployment, once for all models: {found['deployment']:,} gas for verifier, router,"
        " registries and market. A model is registered once for each batch size.",
        "",
        "| model | input | inferences | target | columns | proof bytes | gas | each | calldata |"
        " execution | with EIP-7976 | registration |",
        "|---|---|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in found["native"]:
        lines.append(
            f"| {row['model']} | {row['input']} | {row['batch']} | {row['target']} | "
            f"2^{row['log_columns']} | {row['proof_bytes']:,} | "
            f"**{row['gas']:,}** | {row['gas'] // row['batch']:,} | {row['calldata']:,} | "
            f"{row['execution']:,} | {row['proposed']:,} | {row['registration']:,} |"
        )
    lines += [
        "",
        '*evm*: compiled with `target="evm"`, which chooses the layout that takes the least gas for'
        " one inference (batches of 64 here: with `NativeOptions(log_columns=15)`) and costs a"
        " prover some time; *offline*, the default, suits provers. *with EIP-7976*: the same"
        " transaction under the floor of 64 gas per byte of calldata that is proposed.",
        "",
        "ezkl 23.0.5 for the same models, its verifier generated for each key:",
        "",
        "| model | gas | calldata | execution | with EIP-7976 | deployment for this model |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for row in found["ezkl"]:
        lines.append(
            f"| {row['model']} | {row['gas']:,} | {row['calldata']:,} | {row['execution']:,} | "
            f"{row['proposed']:,} | {row['deployment']:,} |"
        )
    lines += [
        "",
        "*input*: *private* inputs are in no transaction; of *committed* ones the transaction shows"
        " a hiding commitment, by which a job can be ordered and one proof's output be another's"
        " input. `python -m benchmarks.gas --ezkl digits,lenet --write` measures both models with"
        " ezkl; LeNet-5 takes it several minutes and 11 GiB.",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print, and write if asked to."""
    import verifai

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--ezkl", default="digits", metavar="MODELS", help="others stay as recorded"
    )
    parser.add_argument("--write", action="store_true", help=f"write {RECORD.name} and {PAGE.name}")
    arguments = parser.parse_args()
    with anvil() as url, verifai.chain.connect(url) as chain:
        found: dict[str, Any] = {"deployment": chain.deploy().gas_used}
        found["native"] = [measure(chain, case) for case in CASES]
        measured = {name: incumbent(chain, name) for name in arguments.ezkl.split(",") if name}
    # nothing here changes what ezkl costs: what is not measured now stays
    for row in json.loads(RECORD.read_text(encoding="utf-8"))["ezkl"]:
        measured.setdefault(row["model"], row)
    found["ezkl"] = list(measured.values())
    text = json.dumps(found, indent=1, sort_keys=True) + "\n"
    if arguments.write:
        RECORD.write_text(text, encoding="utf-8")
        PAGE.write_text(page(json.loads(text)), encoding="utf-8")
    print(page(found))


if __name__ == "__main__":
    main()
