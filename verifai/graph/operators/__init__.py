"""One module per family of operators; importing them fills the table of :mod:`..lower`."""

from verifai.graph.operators import (  # noqa: F401
    arithmetic,
    bits,
    cast,
    division,
    einsum,
    ensemble,
    indexing,
    int8,
    label,
    linear,
    linear_map,
    logic,
    one_hot,
    pooling,
    quantised,
    reduction,
    resize,
    selection,
    shape,
    unary,
)
