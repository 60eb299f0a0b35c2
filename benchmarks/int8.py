"""MobileNetV2 as onnxruntime quantises it: static, QDQ, uint8 activations, int8 weights by channel.

Architecture: Sandler et al., MobileNetV2 (CVPR 2018), table 2, for pictures of 96 x 96.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn

#: Expansion, channels, how often, stride of the first: table 2 of the paper.
STAGES: Final = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
SIDE: Final = 96
CLASSES: Final = 1000
#: Batches from which the normalisations take their statistics: with those of no picture at all,
#: values vanish from layer to layer.
STATISTICS: Final = 30


def _unit(inside: int, out: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    padding = kernel // 2
    conv = nn.Conv2d(inside, out, kernel, stride, padding, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(out), nn.ReLU6()]


class _Block(nn.Module):  # type: ignore[misc]  # mypy does not read torch
    """An inverted residual: expand, convolve by channel, project."""

    def __init__(self, inside: int, out: int, expansion: int, stride: int) -> None:
        super().__init__()
        hidden = inside * expansion
        expand = _unit(inside, hidden, 1) if expansion > 1 else []
        project = _unit(hidden, out, 1)[:2]
        self.layers = nn.Sequential(*expand, *_unit(hidden, hidden, 3, stride, hidden), *project)
        self.residual = stride == 1 and inside == out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of (batch, inside, h, w)."""
        y: torch.Tensor = self.layers(x)
        return x + y if self.residual else y


def mobilenet() -> nn.Module:
    """MobileNetV2 of width 1 without dropout: 3.5 M weights."""
    layers: list[nn.Module] = _unit(3, 32, 3, stride=2)
    inside = 32
    for expansion, out, count, stride in STAGES:
        for number in range(count):
            layers.append(_Block(inside, out, expansion, stride if number == 0 else 1))
            inside = out
    top = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, CLASSES)]
    return nn.Sequential(*layers, *_unit(inside, 1280, 1), *top)


def pictures(count: int, seed: int) -> torch.Tensor:
    """Smooth random pictures (count, 3, 96, 96) in [-1, 1], at steps of 2^-8, as cameras have."""
    coarse = torch.rand(count, 3, 12, 12, generator=torch.Generator().manual_seed(seed))
    smooth = nn.functional.interpolate(coarse, size=(SIDE, SIDE), mode="bilinear")
    return (smooth * 512).round() / 256 - 1


def quantised_mobilenet() -> Any:
    """The quantised file as a model."""
    import onnx
    from onnxruntime import quantization

    import verifai

    torch.manual_seed(0)
    module = mobilenet().train()
    with torch.no_grad():
        for number in range(STATISTICS):
            module(pictures(16, number))
    samples = iter([{"x": pictures(1, 1000 + number).numpy()} for number in range(16)])

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
        def get_next(self) -> Any:
            return next(samples, None)

    with tempfile.TemporaryDirectory() as name:
        plain, quantised = Path(name) / "plain.onnx", Path(name) / "int8.onnx"
        example = (pictures(1, 0),)
        torch.onnx.export(
            module.eval(), example, plain, input_names=["x"], dynamo=False, opset_version=17
        )
        onnx.save(onnx.shape_inference.infer_shapes(onnx.load(plain)), plain)
        quantization.quantize_static(
            plain,
            quantised,
            Reader(),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
        )
        return verifai.load(quantised)
