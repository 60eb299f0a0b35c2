"""One module per family of operators; importing them fills the table of :mod:`..lower`."""

from verifai.graph.operators import (  # noqa: F401
    arithmetic,
    bits,
    cast,
    division,
    indexing,
    linear,
    logic,
    one_hot,
    pooling,
    reduction,
    resize,
    selection,
    shape,
    unary,
)
