"""One module per family of operators; importing them fills the table of :mod:`..lower`."""

from verifai.graph.operators import (
    arithmetic,
    linear,
    pooling,
    reduction,
    shape,
    unary,
)

__all__ = ["arithmetic", "linear", "pooling", "reduction", "shape", "unary"]
