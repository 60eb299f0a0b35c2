"""Architectures of torch and torchvision at small sizes, through both exporters."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
import torchvision.models as vision
from torch import nn
from torch.nn import functional as F

from benchmarks.files.catalog import SAMPLES, Entry, save_samples

#: The operator set of each exporter.
EXPORTERS: Final = {"script": 17, "dynamo": 20}
Factory = Callable[[], nn.Module]


def export(
    factory: Factory, examples: tuple[torch.Tensor, ...], exporter: str, free: Any, folder: Path
) -> None:
    """Write a module's file with the axes in ``free`` open, as its exporter's manual says.

    Args:
        examples: with two rows; integers are drawn below the largest one that they hold.
        free: names of open axes by their place, the same for every input.
    """
    torch.manual_seed(0)
    torch.backends.mha.set_fastpath_enabled(False)  # which one of the exporters does not know
    module = factory().eval()
    path = folder / "model.onnx"
    names = [f"input_{i}" for i in range(len(examples))]
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        if exporter == "script":
            torch.onnx.export(
                module,
                examples,
                str(path),
                dynamo=False,
                opset_version=EXPORTERS[exporter],
                input_names=names,
                output_names=None,
                dynamic_axes={name: dict(free) for name in names},
            )
        else:
            options: dict[str, Any] = {
                "dynamo": True,
                "opset_version": EXPORTERS[exporter],
                "input_names": names,
                "external_data": False,
                "verbose": False,
            }
            try:
                shapes = tuple(dict(free) for _ in examples)
                torch.onnx.export(module, examples, str(path), dynamic_shapes=shapes, **options)
            except Exception:  # an axis that the module fixes: as it is, then
                ones = tuple(example[:1] for example in examples)
                torch.onnx.export(module, ones, str(path), **options)
    rng = np.random.default_rng(0)
    samples = {}
    for name, example in zip(names, examples, strict=True):
        size = (SAMPLES, 1, *example.shape[1:])
        if example.is_floating_point():
            samples[name] = rng.normal(size=size).astype(np.float32)
        else:
            samples[name] = rng.integers(0, int(example.max()) + 1, size=size).astype(
                str(example.dtype).removeprefix("torch.")
            )
    save_samples(folder, samples)


class Residual(nn.Module):
    """``x + inner(x)``."""

    def __init__(self, *inner: nn.Module):
        super().__init__()
        self.inner = nn.Sequential(*inner)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.inner(x)


def conv(a: int, b: int, k: int = 3, stride: int = 1, **options: Any) -> nn.Sequential:
    """Convolution, normalisation, ReLU."""
    layer = nn.Conv2d(a, b, k, stride, k // 2, bias=False, **options)
    return nn.Sequential(layer, nn.BatchNorm2d(b), nn.ReLU())


class UNet(nn.Module):
    """Ronneberger 2015, two levels."""

    def __init__(self) -> None:
        super().__init__()
        self.down1, self.down2 = conv(3, 8), conv(8, 16)
        self.up = nn.ConvTranspose2d(16, 8, 2, 2)
        self.out = nn.Sequential(conv(16, 8), nn.Conv2d(8, 2, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first = self.down1(x)
        second = self.down2(F.max_pool2d(first, 2))
        return self.out(torch.cat([first, self.up(second)], 1))


class MixerBlock(nn.Module):
    """Tolstikhin 2021: tokens, then channels."""

    def __init__(self, tokens: int, width: int):
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.tokens = nn.Sequential(nn.Linear(tokens, 32), nn.GELU(), nn.Linear(32, tokens))
        self.channels = nn.Sequential(nn.Linear(width, 64), nn.GELU(), nn.Linear(64, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.tokens(self.norms[0](x).transpose(1, 2)).transpose(1, 2)
        return x + self.channels(self.norms[1](x))


class Patches(nn.Module):
    """An image as a row of patches."""

    def __init__(self, width: int, patch: int = 4):
        super().__init__()
        self.cut = nn.Conv2d(3, width, patch, patch)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.cut(x).flatten(2).transpose(1, 2)


class Mean(nn.Module):
    """Over one axis."""

    def __init__(self, axis: int):
        super().__init__()
        self.axis = axis

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(self.axis)


class Recurrent(nn.Module):
    """The last state of a recurrent net, through a linear layer."""

    def __init__(self, kind: str, **options: Any):
        super().__init__()
        width = 16 * (1 + bool(options.get("bidirectional")))
        self.net = getattr(nn, kind)(8, 16, batch_first=True, **options)
        self.out = nn.Linear(width, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.net(x)[0][:, -1])


class Recommender(nn.Module):
    """Neural collaborative filtering (He 2017): ids of users and items."""

    def __init__(self) -> None:
        super().__init__()
        self.users, self.items = nn.Embedding(50, 8), nn.Embedding(40, 8)
        self.net = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1), nn.Sigmoid())

    def forward(self, user: torch.Tensor, item: torch.Tensor) -> torch.Tensor:
        return self.net(torch.cat([self.users(user), self.items(item)], -1))


class WideAndDeep(nn.Module):
    """Cheng 2016: categories and numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(20, 4)
        self.deep = nn.Sequential(nn.Linear(3 * 4 + 5, 16), nn.ReLU(), nn.Linear(16, 1))
        self.wide = nn.Linear(5, 1)

    def forward(self, ids: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        deep = torch.cat([self.table(ids).flatten(1), numbers], 1)
        return torch.sigmoid(self.deep(deep) + self.wide(numbers))


class Inception(nn.Module):
    """A block of Szegedy 2014."""

    def __init__(self) -> None:
        super().__init__()
        self.paths = nn.ModuleList(
            [conv(8, 4, 1), nn.Sequential(conv(8, 4, 1), conv(4, 8)), conv(8, 4, 5)]
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pooled = F.avg_pool2d(x, 3, 1, 1)
        return torch.cat([*(path(x) for path in self.paths), pooled], 1)


class SqueezeExcite(nn.Module):
    """Hu 2017."""

    def __init__(self, width: int):
        super().__init__()
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(width, 4, 1), nn.ReLU(),
            nn.Conv2d(4, width, 1), nn.Hardsigmoid(),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.gate(x)


class PointNet(nn.Module):
    """Qi 2016, without the transformers of its input."""

    def __init__(self) -> None:
        super().__init__()
        self.each = nn.Sequential(nn.Conv1d(3, 16, 1), nn.BatchNorm1d(16), nn.ReLU(),
                                  nn.Conv1d(16, 32, 1), nn.ReLU())  # fmt: skip
        self.out = nn.Linear(32, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.log_softmax(self.out(self.each(x).amax(-1)), -1)


class Dueling(nn.Module):
    """Wang 2015: value and advantage of actions."""

    def __init__(self) -> None:
        super().__init__()
        self.base = nn.Sequential(nn.Linear(8, 32), nn.ReLU())
        self.value, self.advantage = nn.Linear(32, 1), nn.Linear(32, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.base(x)
        advantage = self.advantage(x)
        return self.value(x) + advantage - advantage.mean(1, keepdim=True)


class Graph(nn.Module):
    """Kipf 2016, with a dense adjacency matrix as an input."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(6, 8), nn.Linear(8, 3)

    def forward(self, x: torch.Tensor, adjacency: torch.Tensor) -> torch.Tensor:
        return adjacency @ self.second(F.relu(adjacency @ self.first(x)))


class Sine(nn.Module):
    """Sitzmann 2020."""

    def __init__(self, a: int, b: int):
        super().__init__()
        self.layer = nn.Linear(a, b)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sin(3 * self.layer(x))


class Autoencoder(nn.Module):
    """Its code, and the reconstruction."""

    def __init__(self) -> None:
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(64, 16), nn.SiLU(), nn.Linear(16, 4))
        self.decode = nn.Sequential(nn.Linear(4, 16), nn.SiLU(), nn.Linear(16, 64), nn.Sigmoid())

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        code = self.encode(x)
        return code, self.decode(code)


def stack(*layers: nn.Module) -> Factory:
    """The same layers, made anew by whoever seeds them: parameters are drawn again."""

    def make() -> nn.Module:
        for layer in layers:
            for part in layer.modules():
                if hasattr(part, "reset_parameters"):
                    part.reset_parameters()
        return nn.Sequential(*layers)

    return make


def image(side: int, channels: int = 3) -> tuple[torch.Tensor, ...]:
    return (torch.randn(2, channels, side, side),)


def vector(*shape: int) -> tuple[torch.Tensor, ...]:
    return (torch.randn(2, *shape),)


def ids(count: int, length: int) -> torch.Tensor:
    """Token ids of two rows, of which the largest is ``count - 1``."""
    return (torch.arange(2 * length) * 7 % count).clamp_max(count - 1).index_fill(
        0, torch.tensor([0]), count - 1
    ).reshape(2, length)  # fmt: skip


def transformer(**options: Any) -> nn.Module:
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, dropout=0.0, **options)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)


OWN: Final[dict[str, tuple[Factory, tuple[torch.Tensor, ...]]]] = {
    "lenet5": (stack(nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(),
                     nn.AvgPool2d(2), nn.Flatten(), nn.Linear(256, 84), nn.Tanh(),
                     nn.Linear(84, 10)), image(28, 1)),
    "mlp": (stack(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4), nn.Softmax(-1)), vector(16)),
    "mlp-batchnorm": (stack(nn.Linear(16, 32), nn.BatchNorm1d(32), nn.ELU(), nn.Linear(32, 4)),
                      vector(16)),
    "mlp-layernorm": (stack(nn.Linear(16, 32), nn.LayerNorm(32), nn.GELU(), nn.Linear(32, 4)),
                      vector(16)),
    "mlp-selu": (stack(nn.Linear(16, 32), nn.SELU(), nn.Linear(32, 1)), vector(16)),
    "logistic-regression": (stack(nn.Linear(16, 1), nn.Sigmoid()), vector(16)),
    "dqn": (stack(nn.Conv2d(4, 8, 8, 4), nn.ReLU(), nn.Conv2d(8, 16, 4, 2), nn.ReLU(), nn.Flatten(),
                  nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 4)), image(28, 4)),
    "dueling-dqn": (Dueling, vector(8)),
    "vgg-small": (stack(conv(3, 8), conv(8, 8), nn.MaxPool2d(2), conv(8, 16), nn.MaxPool2d(2),
                        nn.Flatten(), nn.Linear(1024, 10)), image(32)),
    "resnet-small": (stack(conv(3, 8), Residual(conv(8, 8), nn.Conv2d(8, 8, 3, 1, 1)), nn.ReLU(),
                           nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10)), image(16)),
    "inception-block": (stack(conv(3, 8), Inception(), nn.AdaptiveMaxPool2d(1), nn.Flatten()),
                        image(16)),
    "squeeze-excite": (stack(conv(3, 8), SqueezeExcite(8), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                             nn.Linear(8, 4)), image(16)),
    "depthwise-separable": (stack(conv(1, 8, stride=2), conv(8, 8, groups=8), conv(8, 16, 1),
                                  nn.AvgPool2d(8), nn.Flatten(), nn.Linear(16, 12)), image(16, 1)),
    "unet": (UNet, image(16)),
    "espcn": (stack(nn.Conv2d(1, 8, 5, 1, 2), nn.Tanh(), nn.Conv2d(8, 4, 3, 1, 1),
                    nn.PixelShuffle(2)), image(12, 1)),
    "fsrcnn": (stack(nn.Conv2d(1, 8, 5, 1, 2), nn.PReLU(8), nn.Conv2d(8, 8, 3, 1, 1), nn.PReLU(8),
                     nn.ConvTranspose2d(8, 1, 9, 2, 4, 1)), image(10, 1)),
    "style-transfer": (stack(nn.ReflectionPad2d(2), nn.Conv2d(3, 8, 5),
                             nn.InstanceNorm2d(8, affine=True), nn.ReLU(),
                             nn.Upsample(scale_factor=2, mode="nearest"),
                             nn.Conv2d(8, 3, 3, 1, 1)), image(12)),
    "dcgan-generator": (stack(nn.ConvTranspose2d(16, 8, 4), nn.BatchNorm2d(8), nn.ReLU(),
                              nn.ConvTranspose2d(8, 3, 4, 2, 1), nn.Tanh()),
                        (torch.randn(2, 16, 1, 1),)),
    "dcgan-discriminator": (stack(nn.Conv2d(3, 8, 4, 2, 1), nn.LeakyReLU(0.2),
                                  nn.Conv2d(8, 16, 4, 2, 1), nn.BatchNorm2d(16), nn.LeakyReLU(0.2),
                                  nn.Conv2d(16, 1, 4), nn.Sigmoid()), image(16)),
    "autoencoder": (Autoencoder, vector(64)),
    "group-norm": (stack(nn.Conv2d(3, 8, 3), nn.GroupNorm(4, 8), nn.Mish(), nn.Flatten(),
                         nn.Linear(8 * 36, 4)), image(8)),
    "tcn": (stack(nn.Conv1d(4, 8, 3, dilation=2, padding=4), nn.ReLU(), nn.Conv1d(8, 8, 3),
                  nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(8, 2)),
            vector(4, 24)),
    "speech-commands": (stack(nn.Conv1d(1, 8, 16, 4), nn.BatchNorm1d(8), nn.ReLU(),
                              nn.MaxPool1d(4), nn.Flatten(), nn.Linear(120, 12)), vector(1, 256)),
    "conv3d": (stack(nn.Conv3d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool3d(2), nn.Flatten(),
                     nn.Linear(4 * 64, 3)), (torch.randn(2, 1, 8, 8, 8),)),
    "mlp-mixer": (stack(Patches(16), MixerBlock(16, 16), MixerBlock(16, 16), Mean(1),
                        nn.Linear(16, 10)), image(16)),
    "transformer-encoder": (partial(transformer), vector(6, 16)),
    "transformer-prenorm-gelu": (partial(transformer, norm_first=True, activation="gelu"),
                                 vector(6, 16)),
    "vision-transformer": (stack(Patches(16), transformer(), Mean(1), nn.Linear(16, 10)),
                           image(16)),
    "lstm": (partial(Recurrent, "LSTM"), vector(6, 8)),
    "lstm-bidirectional": (partial(Recurrent, "LSTM", bidirectional=True), vector(6, 8)),
    "lstm-two-layers": (partial(Recurrent, "LSTM", num_layers=2), vector(6, 8)),
    "gru": (partial(Recurrent, "GRU"), vector(6, 8)),
    "rnn": (partial(Recurrent, "RNN"), vector(6, 8)),
    "collaborative-filtering": (Recommender, (ids(50, 1)[:, 0], ids(40, 1)[:, 0])),
    "wide-and-deep": (WideAndDeep, (ids(20, 3), *vector(5))),
    "text-mlp": (stack(nn.Embedding(60, 8), nn.Flatten(), nn.Linear(64, 16), nn.ReLU(),
                       nn.Linear(16, 2)), (ids(60, 8),)),
    "embedding-bag": (stack(nn.Embedding(60, 8), Mean(1), nn.Linear(8, 2)), (ids(60, 8),)),
    "pointnet": (PointNet, vector(3, 12)),
    "graph-convolution": (Graph, (torch.randn(2, 5, 6), torch.rand(2, 5, 5))),
    "siren": (stack(Sine(2, 16), Sine(16, 16), nn.Linear(16, 3)), vector(2)),
    "physics-informed": (stack(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(),
                               nn.Linear(16, 1)), vector(2)),
}  # fmt: skip

#: torchvision's constructors: arguments, and the side of the image.
VISION: Final[dict[str, tuple[dict[str, Any], int]]] = {
    "mobilenet_v2": ({"width_mult": 0.25, "num_classes": 10}, 32),
    "mobilenet_v3_small": ({"num_classes": 10}, 32),
    "mnasnet0_5": ({"num_classes": 10}, 32),
    "shufflenet_v2_x0_5": ({"num_classes": 10}, 32),
    "squeezenet1_1": ({"num_classes": 10}, 32),
    "resnet18": ({"num_classes": 10}, 32),
    "regnet_y_400mf": ({"num_classes": 10}, 32),
    "efficientnet_b0": ({"num_classes": 10}, 32),
    "densenet121": ({"num_classes": 10}, 32),
    "googlenet": ({"num_classes": 10, "aux_logits": False, "init_weights": False}, 32),
}


def small_vit() -> nn.Module:
    made = vision.VisionTransformer(16, 4, 2, 2, 16, 32, num_classes=10)
    nn.init.normal_(made.heads.head.weight)  # which begins as zeros
    return made


def small_swin() -> nn.Module:
    return vision.SwinTransformer([2, 2], 8, [2], [2], [2, 2], num_classes=10)


def small_convnext() -> nn.Module:
    from torchvision.models.convnext import CNBlockConfig

    return vision.ConvNeXt([CNBlockConfig(8, 16, 1), CNBlockConfig(16, None, 1)], num_classes=10)


def entries() -> list[Entry]:
    """Every architecture, twice."""
    models = dict(OWN)
    for name, (options, side) in VISION.items():
        models[name] = (partial(getattr(vision, name), weights=None, **options), image(side))
    models["vit-small"] = (small_vit, image(16))
    models["swin-small"] = (small_swin, image(16))
    models["convnext-small"] = (small_convnext, image(16))
    return [
        Entry(
            f"{name}-{exporter}",
            f"torch, {'TorchScript' if exporter == 'script' else 'dynamo'} exporter",
            partial(export, factory, examples, exporter, {0: "batch"}),
        )
        for name, (factory, examples) in models.items()
        for exporter in EXPORTERS
    ]
