"""A torch module as a function of tensors that gives tensors: what an ONNX graph is.

Modules take inputs by keyword, and return dataclasses, dicts and caches. Tensors are taken out of
these in their order, under their names; what holds no tensors, like a cache, is left out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

#: Outputs that serve a next call of the same module, and no one who reads a proof.
CACHES: Final = frozenset({"cache_params", "mems", "past_key_values", "presents", "rnn_state"})


def tensors_of(output: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """The tensors of a module's output, with the names that lead to them."""
    import torch

    if isinstance(output, torch.Tensor):
        yield name, output
        return
    if dataclasses.is_dataclass(output) and not isinstance(output, (type, Mapping)):
        parts = [(one.name, getattr(output, one.name)) for one in dataclasses.fields(output)]
    elif isinstance(output, Mapping):
        parts = [(str(key), value) for key, value in output.items()]
    elif isinstance(output, (tuple, list)):
        own = getattr(output, "_fields", range(len(output)))
        parts = [(str(key), value) for key, value in zip(own, output, strict=True)]
    else:
        return
    for key, value in parts:
        if key not in CACHES:
            yield from tensors_of(value, f"{name}_{key}" if name else key)


def is_plain(output: Any) -> bool:
    """Whether an output is a tensor, or a tuple of tensors, as it is."""
    import torch

    several = type(output) in (tuple, list) and len(output) > 0
    parts = output if several else (output,)
    return all(isinstance(part, torch.Tensor) for part in parts)


def as_function(module: Any, keywords: Sequence[str]) -> Any:
    """The module as one of tensors in order, named by ``keywords``, that returns a tuple of them.

    Args:
        keywords: names of the module's inputs; none if they are in order.
    """
    import torch

    class Function(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.module = module

        def forward(self, *inputs: Any) -> Any:
            if keywords:
                output = self.module(**dict(zip(keywords, inputs, strict=True)))
            else:
                output = self.module(*inputs)
            return tuple(tensor for _, tensor in tensors_of(output))

    return Function()
