"""Stage 4: proof systems behind one protocol.

``get("ezkl")`` gives the only backend of this version; ``native`` is reserved for the project's
own proof system. Nothing outside this room asks which backend it is talking to.
"""

from __future__ import annotations

from verifai.backends.protocol import Backend, EvmCall
from verifai.errors import UnsupportedError

__all__ = ["Backend", "EvmCall", "get"]


def get(name: str) -> Backend:
    """The backend with this name.

    Raises:
        UnsupportedError: this version has no such backend.
    """
    if name == "ezkl":
        from verifai.backends.ezkl import Ezkl

        return Ezkl()
    raise UnsupportedError(
        f"This version has no backend {name!r}.", hint="Use backend='ezkl' (the default)."
    )
