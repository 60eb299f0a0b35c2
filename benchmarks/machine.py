"""What stands beside every figure: the machine, its features and the versions."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any, Final

#: Features that decide how fast field arithmetic can be.
FEATURES: Final = ("adx", "bmi2", "avx2", "avx512f", "avx512ifma")
PACKAGES: Final = ("verifai", "ezkl", "numpy", "torch", "onnx", "onnxruntime")


def machine() -> dict[str, Any]:
    """Processor, features, cores that this process may use, memory, versions."""
    return {
        "processor": processor(),
        "architecture": platform.machine(),
        "features": features(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": {name: found for name in PACKAGES if (found := installed(name))},
    }


def installed(name: str) -> str | None:
    """The version of a package, None if it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def processor() -> str:
    """The processor's name."""
    return _cpuinfo("model name") or platform.processor()


def features() -> list[str]:
    """Those of :data:`FEATURES` that the processor has."""
    flags = _cpuinfo("flags").split()
    return [name for name in FEATURES if name in flags]


def _cpuinfo(field: str) -> str:
    path = Path("/proc/cpuinfo")
    for line in path.read_text().splitlines() if path.exists() else []:
        if line.startswith(field):
            return line.partition(":")[2].strip()
    return ""
