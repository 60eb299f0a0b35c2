"""One module per family of operators; importing them fills the table of :mod:`..lower`."""

from verifai.graph.operators import (  # noqa: F401
    arithmetic,
    cast,
    indexing,
    int8,
    linear,
    logic,
    pooling,
    quantised,
    reduction,
    resize,
    shape,
    unary,
)
