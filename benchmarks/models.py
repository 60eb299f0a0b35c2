"""The models that are measured: seeded, so every machine measures the same circuits.

``lenet`` is trained, on the 8x8 digits of scikit-learn enlarged to 28x28, since fidelity means
something only for a model that has learnt something; all others have random weights and inputs in
[0, 1). Agreement figures are agreement with the float model, not accuracy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

#: Random inputs for calibration, and for the fidelity figures.
CALIBRATION_INPUTS: Final = 8
HELD_OUT_INPUTS: Final = 64
#: Users, and items, of the recommender.
ROWS: Final = 10_000
#: Widths of the two hidden layers of 784-h-h-10, by name: 10 k, 100 k, 1 M and 10 M weights.
LADDER: Final = {"mlp-10k": 12, "mlp-100k": 112, "mlp-1m": 680, "mlp-10m": 2790}


@dataclass(frozen=True)
class Workload:
    """A model with its data.

    Attributes:
        module: a torch module in evaluation mode, a fitted estimator, or a model that is loaded.
        calibration: what the circuit is calibrated with, as an array of inputs.
        held_out: inputs that neither training nor calibration saw; the first one is proved.
    """

    module: Any
    calibration: NDArray[Any]
    held_out: NDArray[Any]

    def exported(self) -> Any:
        """The module as a model."""
        import verifai

        if isinstance(self.module, verifai.Model):
            return self.module
        if isinstance(self.module, nn.Module):
            return verifai.export(self.module, (torch.from_numpy(self.calibration[0]),))
        return verifai.export(self.module, self.calibration[:, 0])


def mlp(hidden: int = 128) -> nn.Module:
    """784-hidden-10 with ReLU: 102 k weights for 128."""
    return nn.Sequential(nn.Flatten(), nn.Linear(784, hidden), nn.ReLU(), nn.Linear(hidden, 10))


def rung(hidden: int) -> nn.Module:
    """784-hidden-hidden-10 with ReLU: a rung of the ladder."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(784, hidden),
        nn.ReLU(),
        nn.Linear(hidden, hidden),
        nn.ReLU(),
        nn.Linear(hidden, 10),
    )


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


def cifar() -> nn.Module:
    """Three convolutions and two dense layers on 3x32x32: 264 k weights."""
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(64, 64, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(1024, 201),
        nn.ReLU(),
        nn.Linear(201, 10),
    )


class Last(nn.Module):  # type: ignore[misc]  # mypy does not read torch
    """The last state of an LSTM of 64 inputs and 128 hidden units: 99 k weights."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(64, 128, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of a sequence (batch, steps, 64)."""
        return self.lstm(x)[1][0]


class Recommender(nn.Module):  # type: ignore[misc]
    """The score of an item for a user: two tables of 10,000 rows of 32, and 64-64-1 on top."""

    def __init__(self) -> None:
        super().__init__()
        self.users = nn.Embedding(ROWS, 32)
        self.items = nn.Embedding(ROWS, 32)
        self.top = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Ids of shape [n, 2] to scores of shape [n, 1]."""
        pair = torch.cat([self.users(ids[:, 0]), self.items(ids[:, 1])], dim=1)
        scores: torch.Tensor = self.top(pair)
        return scores


def _recommender() -> Workload:
    """Seeded weights and pairs of ids."""
    torch.manual_seed(0)
    module = Recommender().eval()
    data = torch.randint(ROWS, (4 * CALIBRATION_INPUTS + HELD_OUT_INPUTS, 1, 2)).numpy()
    return Workload(module, data[: 4 * CALIBRATION_INPUTS], data[4 * CALIBRATION_INPUTS :])


def _random(factory: Callable[[], nn.Module], *shape: int) -> Workload:
    """Seeded weights and inputs of shape [1, ...]."""
    torch.manual_seed(0)
    module = factory().eval()
    data = torch.rand(CALIBRATION_INPUTS + HELD_OUT_INPUTS, 1, *shape).numpy()
    return Workload(module, data[:CALIBRATION_INPUTS], data[CALIBRATION_INPUTS:])


def _trained_lenet() -> Workload:
    """LeNet after six epochs on four fifths of the digits; the other fifth is held out."""
    from sklearn.datasets import load_digits

    data = load_digits()
    small = torch.tensor(data.images, dtype=torch.float32)[:, None] / 16
    images = nn.functional.interpolate(small, size=(28, 28), mode="bilinear").clamp(0, 1)
    labels = torch.tensor(data.target)
    held_out = torch.arange(len(images)) % 5 == 0
    seen, known = images[~held_out], labels[~held_out]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums in one order: the same weights at every run
    torch.manual_seed(0)
    module = lenet()
    optimiser = torch.optim.Adam(module.parameters(), lr=2e-3)
    for _ in range(6):
        for chosen in torch.randperm(len(seen)).split(32):
            loss = nn.functional.cross_entropy(module(seen[chosen]), known[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    torch.set_num_threads(threads)
    inputs = seen[: 2 * CALIBRATION_INPUTS, None], images[held_out][:, None]
    return Workload(module.eval(), inputs[0].numpy(), inputs[1].numpy())


def _trees(kind: str, trees: int, depth: int, held_out: int) -> Workload:
    """An ensemble of 30 features, fitted to 2,000 rows of a synthetic task."""
    from sklearn import datasets, ensemble

    rows = 2000 + held_out
    x, y = datasets.make_classification(rows, 30, n_informative=12, random_state=0)
    x = x.astype("float32")
    estimator = getattr(ensemble, kind)(n_estimators=trees, max_depth=depth, random_state=0)
    estimator.fit(x[:2000], y[:2000])
    return Workload(estimator, x[:2000, None], x[2000:, None])


def _int8() -> Workload:
    """MobileNetV2 and pictures."""
    from benchmarks.int8 import pictures, quantised_mobilenet

    data = pictures(2 * CALIBRATION_INPUTS, 5000).numpy()[:, None]
    return Workload(quantised_mobilenet(), data[:CALIBRATION_INPUTS], data[CALIBRATION_INPUTS:])


#: Name to workload. ``python -m benchmarks.compare --models`` takes these names.
MODELS: Final[dict[str, Callable[[], Workload]]] = {
    "digits": lambda: _random(digits, 1, 8, 8),
    "mlp": lambda: _random(mlp, 1, 28, 28),
    "lenet": _trained_lenet,
    "recommender": _recommender,
    "cifar": lambda: _random(cifar, 3, 32, 32),
    "lstm": lambda: _random(Last, 32, 64),
    "forest": partial(_trees, "RandomForestClassifier", 100, 8, 1000),
    "small-forest": partial(_trees, "RandomForestClassifier", 10, 4, HELD_OUT_INPUTS),
    "boosting": partial(_trees, "GradientBoostingClassifier", 300, 6, 1000),
    "mobilenet-int8": _int8,
    **{name: partial(_random, partial(rung, hidden), 1, 28, 28) for name, hidden in LADDER.items()},
}


def weights(module: Any) -> int:
    """How many weights and biases a module has; of an ensemble its inner nodes, of a file its
    initial values.
    """
    if isinstance(module, nn.Module):
        return sum(parameter.numel() for parameter in module.parameters())
    if hasattr(module, "estimators_"):
        trees = np.ravel(module.estimators_)
        return sum(int((tree.tree_.children_left >= 0).sum()) for tree in trees)
    import onnx

    graph = onnx.load_from_string(module.onnx).graph
    return sum(int(np.prod(tensor.dims)) for tensor in graph.initializer)
