"""What is said of ONNX nodes while operators are written out, in the nodes' metadata.

No file brings any in: :mod:`verifai.model.load` drops it.
"""

from __future__ import annotations

from typing import Any, Final

#: Nodes with one value share the scales of their outputs (:mod:`verifai.graph.shared`).
SCALE: Final = "verifai.scale"
#: Why a node was left as it is, and what to do.
REFUSED: Final = "verifai.refused"


def note(node: Any, key: str, text: str) -> None:
    """Says something of a ``NodeProto``, in place of what was said before."""
    kept = [entry for entry in node.metadata_props if entry.key != key]
    del node.metadata_props[:]
    node.metadata_props.extend(kept)
    entry = node.metadata_props.add()
    entry.key, entry.value = key, text


def noted(node: Any, key: str) -> str | None:
    """What was said of a ``NodeProto``, if anything was."""
    return next((str(entry.value) for entry in node.metadata_props if entry.key == key), None)
