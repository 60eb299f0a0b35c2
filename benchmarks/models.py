"""The models that are measured: seeded weights, so every machine measures the same circuit.

A model's inputs are random in [0, 1); agreement figures are agreement with torch, not accuracy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import nn


def mlp(hidden: int = 128) -> nn.Module:
    """784-hidden-10 with ReLU: 102 k weights for 128."""
    return nn.Sequential(nn.Flatten(), nn.Linear(784, hidden), nn.ReLU(), nn.Linear(hidden, 10))


def digits() -> nn.Module:
    """The demo's CNN for 8x8 digits."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(128, 10)
    )


def lenet() -> nn.Module:
    """LeNet-5 on 28x28 with ReLU and max-pooling: 44 k weights."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(256, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )


#: Name to module factory and input shape.
MODELS: Final[dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]]] = {
    "digits": (digits, (1, 1, 8, 8)),
    "mlp": (mlp, (1, 1, 28, 28)),
    "lenet": (lenet, (1, 1, 28, 28)),
}


def build(name: str) -> tuple[nn.Module, Any]:
    """A seeded module and eight inputs."""
    factory, shape = MODELS[name]
    torch.manual_seed(0)
    return factory().eval(), torch.rand(8, *shape)
