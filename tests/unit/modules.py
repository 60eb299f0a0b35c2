"""torch modules, most of which have no ONNX model: imported where they are used, as torch is."""

from __future__ import annotations

import torch


def small() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.Flatten())


class Branch(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x if x.sum() > 0 else -x


class Dict(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"y": x + 1}


class Infinite(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x / 0


class Random(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.rand_like(x)


class Unused(torch.nn.Module):
    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return x + 1


class Categories(torch.nn.Module):
    """A table of 3 and one of 1,000, for the two columns of the input."""

    def __init__(self) -> None:
        super().__init__()
        self.tables = torch.nn.ModuleList([torch.nn.Embedding(n, 2) for n in (3, 1000)])

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        columns = [table(x[:, i].long()) for i, table in enumerate(self.tables)]
        return torch.cat([*columns, y], 1)


class Recording(torch.nn.Module):
    """Keeps what it is given, but for what an export gives it."""

    def __init__(self) -> None:
        super().__init__()
        self.table = torch.nn.Embedding(50, 2)
        self.seen: list[torch.Tensor] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not torch.compiler.is_exporting():
            self.seen.append(x.clone())
        return self.table(x)


class Deep(torch.nn.Module):
    """Fails while it is exported, with a cause below a cause."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if torch.compiler.is_exporting():
            try:
                raise KeyError("the cause of it all")
            except KeyError as error:
                raise RuntimeError("a consequence") from error
        return x


class Eigenvalues(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.linalg.eigh(x)[0]
