"""Sparse weights, made dense: they take room in a proof either way."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from verifai.errors import LimitError, MalformedError
from verifai.extras import require
from verifai.limits import MAX_DENSE_ELEMENTS
from verifai.model.structure import check_shape, check_tensor, every_graph


def make_dense(proto: Any) -> str | None:
    """Replace the sparse initialisers and constants of a ``ModelProto`` by dense ones.

    Returns:
        What was done, in words; None if there are none.

    Raises:
        MalformedError: indices that repeat, are out of order, or lie outside the shape.
        LimitError: more than MAX_DENSE_ELEMENTS elements together.
    """
    count = elements = 0
    for graph in every_graph(proto.graph):
        constants = [
            attribute
            for node in graph.node
            for attribute in node.attribute
            if attribute.name == "sparse_value" and attribute.HasField("sparse_tensor")
        ]
        stored = [*graph.sparse_initializer, *(each.sparse_tensor for each in constants)]
        count += len(stored)
        elements += sum(map(_elements, stored))
        if elements > MAX_DENSE_ELEMENTS:
            raise LimitError(
                f"The model's sparse weights have {elements:,} elements when they are dense; "
                f"MAX_DENSE_ELEMENTS is {MAX_DENSE_ELEMENTS:,}."
            )
        for sparse in graph.sparse_initializer:
            graph.initializer.append(_dense(sparse))
        del graph.sparse_initializer[:]
        for attribute in constants:
            dense = _dense(attribute.sparse_tensor)
            attribute.ClearField("sparse_tensor")
            attribute.name, attribute.type = "value", attribute.TENSOR
            attribute.t.CopyFrom(dense)
    return f"{count} sparse weight(s) made dense" if count else None


def _elements(sparse: Any) -> int:
    what = f"Sparse weight {sparse.values.name[:80]!r}"
    check_shape(list(sparse.dims), what, zero_allowed=True)
    return math.prod(sparse.dims)


def _dense(sparse: Any) -> Any:
    helper = require("onnx.numpy_helper", "onnx", "reading an ONNX model")
    what = f"Sparse weight {sparse.values.name[:80]!r}"
    check_tensor(sparse.values)
    check_tensor(sparse.indices)
    values, shape = helper.to_array(sparse.values).reshape(-1), tuple(sparse.dims)
    places = helper.to_array(sparse.indices)
    if places.dtype != np.int64 or places.shape not in (
        (len(values),),
        (len(values), len(shape)),
    ):
        raise MalformedError(f"{what} has indices that do not belong to its values.")
    if places.ndim == 2:
        if ((places < 0) | (places >= np.array(shape, np.int64))).any():
            raise MalformedError(f"{what} has an index outside its shape {list(shape)}.")
        places = np.ravel_multi_index(tuple(places.T), shape) if shape else places.sum(axis=1)
    outside = len(places) and not 0 <= places[0] <= places[-1] < math.prod(shape)
    if outside or (np.diff(places) <= 0).any():
        raise MalformedError(f"{what} has indices out of order, or outside {list(shape)}.")
    array = np.zeros(math.prod(shape), values.dtype)
    array[places] = values
    return helper.from_array(array.reshape(shape), sparse.values.name)
