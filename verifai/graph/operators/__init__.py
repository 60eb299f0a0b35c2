"""One module per family of operators; importing them fills the table of :mod:`..lower`."""

from verifai.graph.operators import (
    arithmetic,
    cast,
    indexing,
    linear,
    logic,
    pooling,
    reduction,
    resize,
    shape,
    unary,
)

__all__ = [
    "arithmetic",
    "cast",
    "indexing",
    "linear",
    "logic",
    "pooling",
    "reduction",
    "resize",
    "shape",
    "unary",
]
