"""The Rust module, loaded when it is first needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from verifai.errors import SetupError


def core() -> Any:
    """The module ``verifai._native``.

    Raises:
        SetupError: it was not built for this installation.
    """
    try:
        return import_module("verifai._native")
    except ImportError as error:
        raise SetupError(
            f"The proving core is not part of this installation: {error}.",
            hint="From a checkout: make (it builds the core); else: pip install --force verifai",
        ) from None
