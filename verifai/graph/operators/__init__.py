"""One module per family of operators; importing them fills the table of :mod:`..lower`."""

from verifai.graph.operators import (  # noqa: F401
    arithmetic,
    cast,
    ensemble,
    indexing,
    label,
    linear,
    logic,
    pooling,
    reduction,
    resize,
    shape,
    unary,
)
