"""Parts of ONNX models. The package is imported with the first of them that is made."""

from __future__ import annotations

from typing import Any

import numpy as np


def node(*arguments: Any, **attributes: Any) -> Any:
    """``onnx.helper.make_node``."""
    from onnx import helper

    return helper.make_node(*arguments, **attributes)


def array(values: Any, name: str = "", kind: Any = np.float32) -> Any:
    """A tensor of these values."""
    from onnx import numpy_helper

    return numpy_helper.from_array(np.array(values, kind), name)


def value(name: str, shape: Any, kind: str | int = "FLOAT") -> Any:
    """An input or output; its element type by name, or by number."""
    from onnx import TensorProto, helper

    number = kind if isinstance(kind, int) else TensorProto.DataType.Value(kind)
    return helper.make_tensor_value_info(name, number, shape)
