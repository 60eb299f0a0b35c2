"""The real shapes of a model's outputs, whatever its file says: symbols, stale or wrong lengths.

Shape inference knows most of them. Where it does not, or the file says otherwise, onnxruntime runs
the model once on zeros.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from threading import Timer
from typing import Any

import numpy as np

from verifai.errors import LimitError, UnsupportedError, VerifaiError
from verifai.extras import require
from verifai.limits import MAX_COMPUTED_ELEMENTS, MAX_RUN_SECONDS
from verifai.model.outline import outline
from verifai.model.session import cannot_run, session
from verifai.model.structure import check_shape


def settle_outputs(proto: Any) -> None:
    """Give every output of a ``ModelProto`` with static inputs its type and shape, in place.

    Raises:
        LimitError: a tensor that is computed is too large.
        UnsupportedError: an output is no tensor, or onnxruntime has to run the model and cannot.
    """
    onnx = require("onnx", "onnx", "reading an ONNX model")
    bare = outline(proto)
    for value in bare.graph.output:
        value.type.tensor_type.ClearField("shape")
        if value.type.WhichOneof("value") != "tensor_type":
            value.ClearField("type")
    try:
        found = onnx.shape_inference.infer_shapes(bare, data_prop=True).graph
    except Exception:
        # the inference's errors share no base class; what it does not know onnxruntime is asked
        found = bare.graph
    _check_sizes([*found.value_info, *found.output])
    unsure = False
    for value, inferred in zip(proto.graph.output, found.output, strict=True):
        said, shape = _static(value), _static(inferred)
        kind = _kind(inferred) or _kind(value)
        best = said if shape is None else shape
        if kind and best is not None:
            _write(value, kind, best)
        # either knows, or both agree
        known = kind and (said is None) != (shape is None)
        unsure = unsure or not (known or (kind and said is not None and said == shape))
    if unsure:
        try:
            _by_running(proto)
        except UnsupportedError as error:
            for value in proto.graph.output:
                if _static(value) is None:
                    raise UnsupportedError(
                        f"What shape the output {value.name!r} has nothing tells, nor a run on "
                        f"zeros: {error.message}",
                        hint="Export the model with static shapes.",
                    ) from None


def _kind(value: Any) -> int:
    """The element type; 0 if it is not known, or no tensor's."""
    return int(value.type.tensor_type.elem_type) if value.type.HasField("tensor_type") else 0


def _static(value: Any) -> tuple[int, ...] | None:
    """The shape, if all of it is known."""
    tensor = value.type.tensor_type
    if not value.type.HasField("tensor_type") or not tensor.HasField("shape"):
        return None
    dims = tensor.shape.dim
    known = all(dim.HasField("dim_value") and dim.dim_value > 0 for dim in dims)
    return tuple(dim.dim_value for dim in dims) if known else None


def _write(value: Any, kind: int, shape: Iterable[int] | None) -> None:
    value.ClearField("type")
    value.type.tensor_type.elem_type = kind
    value.type.tensor_type.shape.SetInParent()
    for length in shape or ():
        value.type.tensor_type.shape.dim.add(dim_value=length)


def _check_sizes(values: Iterable[Any]) -> None:
    for value in values:
        shape = _static(value)
        if shape is not None and math.prod(shape) > MAX_COMPUTED_ELEMENTS:
            raise LimitError(
                f"Tensor {value.name[:80]!r} would have shape {list(shape)}: more than "
                f"MAX_COMPUTED_ELEMENTS ({MAX_COMPUTED_ELEMENTS:,})."
            )


def _by_running(proto: Any) -> None:
    """The outputs as onnxruntime makes them of zeros."""
    onnx = require("onnx", "onnx", "reading an ONNX model")
    helper = onnx.helper
    whole = onnx.ModelProto()
    whole.CopyFrom(proto)
    for value in whole.graph.output:
        value.ClearField("type")
    feed = {
        value.name: np.zeros(_static(value) or (), helper.tensor_dtype_to_np_dtype(_kind(value)))
        for value in proto.graph.input
    }
    running = session(whole.SerializeToString(), as_written=True)
    options = require("onnxruntime", "onnx", "running an ONNX model").RunOptions()
    watch = Timer(MAX_RUN_SECONDS, setattr, (options, "terminate", True))
    watch.daemon = True
    watch.start()
    try:
        made = running.run(None, feed, options)
    except VerifaiError:
        raise
    except Exception as error:
        if options.terminate:
            raise LimitError(
                "What shape an output has nothing tells, and a run on zeros takes longer than "
                f"MAX_RUN_SECONDS ({MAX_RUN_SECONDS:g} s).",
                hint="Export with static shapes, and loops with few steps.",
            ) from None
        raise cannot_run(error) from None
    finally:
        watch.cancel()
    for value, array in zip(proto.graph.output, made, strict=True):
        if not isinstance(array, np.ndarray):
            raise UnsupportedError(f"Output {value.name!r} is no tensor.")
        check_shape(list(array.shape), f"Output {value.name!r}", zero_allowed=True)
        _write(value, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
