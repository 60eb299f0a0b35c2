"""Classes with names: a label is the number of its class."""

from __future__ import annotations

from typing import Any, Final

from verifai.extras import require
from verifai.model.structure import ML

#: By operator, what its labels are called as numbers.
_LABELS: Final = {
    "LinearClassifier": "classlabels_ints",
    "SVMClassifier": "classlabels_ints",
    "TreeEnsembleClassifier": "classlabels_int64s",
}
_SHOWN: Final = 10


def labels_are_numbers(graph: Any) -> list[str]:
    """Classifiers whose classes have names give the place of the class in their list instead.

    What follows a label until it is an output may copy it or cast it to a string, no more.

    Returns:
        What each label stands for, in words.
    """
    onnx = require("onnx", "onnx", "reading an ONNX model")
    text = onnx.TensorProto.STRING
    named: dict[str, list[str]] = {}
    for node in graph.node:
        if node.domain == ML and node.op_type in _LABELS:
            at = next(
                (i for i, a in enumerate(node.attribute) if a.name == "classlabels_strings"), None
            )
            if at is None or not node.attribute[at].strings:
                continue
            classes = [name.decode(errors="replace") for name in node.attribute[at].strings]
            del node.attribute[at]
            numbers = list(range(len(classes)))
            node.attribute.append(onnx.helper.make_attribute(_LABELS[node.op_type], numbers))
            named[node.output[0]] = classes
        elif node.op_type in ("Identity", "Cast") and node.input[0] in named:
            if node.op_type == "Cast" and node.attribute[0].i == text:
                node.op_type = "Identity"
                del node.attribute[:]
            if node.op_type == "Identity":
                named[node.output[0]] = named[node.input[0]]
    notes = []
    for value in graph.output:
        if value.name in named and value.type.tensor_type.elem_type == text:
            value.type.tensor_type.elem_type = onnx.TensorProto.INT64
            classes = named[value.name]
            shown = ", ".join(f"{i} = {name!r}" for i, name in enumerate(classes[:_SHOWN]))
            more = ", ..." if len(classes) > _SHOWN else ""
            notes.append(f"{value.name} is the number of a class: {shown}{more}")
    return notes
