"""Stage 4: proof systems behind one protocol.

``native`` is the project's own proof system, ``ezkl`` the incumbent's. Nothing
outside this room asks which backend it is talking to.
"""

from __future__ import annotations

from verifai.backends.options import BackendOptions, EzklOptions, NativeOptions
from verifai.backends.protocol import Backend, EvmCall
from verifai.errors import UnsupportedError

__all__ = ["Backend", "BackendOptions", "EvmCall", "EzklOptions", "NativeOptions", "get"]


def get(name: str) -> Backend:
    """The backend with this name.

    Raises:
        UnsupportedError: this version has no such backend.
    """
    if name == "native":
        from verifai.backends import native

        return native
    if name == "ezkl":
        from verifai.backends import ezkl

        return ezkl
    raise UnsupportedError(
        f"This version has no backend {name!r}.", hint="Use 'native' (the default) or 'ezkl'."
    )
