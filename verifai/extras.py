"""Optional packages, loaded when first needed, with one sentence on what to install."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any, Final

from verifai.errors import MissingExtraError

#: The extras of ``pyproject.toml``.
EXTRAS: Final = ("onnx", "torch", "sklearn", "ezkl", "chain", "embedded", "demo", "all")


#: Modules that were loaded when this process was forked.
_forked_with: set[str] = set()
os.register_at_fork(after_in_child=lambda: _forked_with.update(sys.modules))


def require(module: str, extra: str, purpose: str) -> Any:
    """Import ``module``, which ``pip install 'verifai[extra]'`` brings.

    In a forked child, torch that came from the parent is put on one thread: it would wait for
    ever for OpenMP's others, which do not survive a fork.

    Raises:
        MissingExtraError: it is not installed.
    """
    assert extra in EXTRAS
    try:
        loaded = import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != module.partition(".")[0]:
            raise  # the package is there and something of its own is missing
        raise MissingExtraError(
            f"{purpose[0].upper()}{purpose[1:]} needs the package {module.partition('.')[0]!r}, "
            "which is not installed.",
            hint=f"pip install 'verifai[{extra}]'",
        ) from None
    if module == "torch" and module in _forked_with:
        loaded.set_num_threads(1)
    return loaded
