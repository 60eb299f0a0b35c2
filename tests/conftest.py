"""Fixtures that more than one room's tests use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import verifai
from tests.needs import pytest_collection_modifyitems as pytest_collection_modifyitems
from tests.needs import pytest_runtest_call as pytest_runtest_call
from tests.needs import pytest_runtest_setup as pytest_runtest_setup
from tests.trapdoor import pytest_collection_finish as pytest_collection_finish

os.environ.setdefault("VERIFAI_PROGRESS", "0")

#: Range tables of 128 rows: circuits of 2^9 rows instead of 2^15, for tests only.
SMALL = verifai.EzklOptions(decomp_base=128, decomp_legs=4, scales=[7])


@pytest.fixture(autouse=True, scope="session")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keys and journals stay out of the user's folder and apart from those of other processes that
    run tests beside this one; tools, which take minutes to install, are shared."""
    before = os.environ.get("VERIFAI_HOME")
    own = tmp_path_factory.mktemp("home")
    if before is not None:
        tools = Path(before).absolute() / "tools"
        tools.mkdir(parents=True, exist_ok=True)
        (own / "tools").symlink_to(tools)
    os.environ["VERIFAI_HOME"] = str(own)
    yield
    del os.environ["VERIFAI_HOME"]
    if before is not None:
        os.environ["VERIFAI_HOME"] = before


@dataclass(frozen=True)
class Pipeline:
    """A small model, all the way to a proof."""

    model: verifai.Model
    circuit: verifai.Circuit
    pk: verifai.ProvingKey
    vk: verifai.VerifyingKey
    proof: verifai.Proof
    inputs: np.ndarray


def build(seed: int, **visibility: str) -> Pipeline:
    """Linear(4, 4), ReLU, Linear(4, 2) with seeded weights, proved on a seeded input."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("ezkl")
    torch.manual_seed(seed)
    module = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
    batch = torch.rand(8, 1, 4)
    model = verifai.export(module, (batch[0],))
    circuit = verifai.compile(
        model,
        batch.numpy(),
        visibility=verifai.Visibility(**visibility),
        options=SMALL,
    )
    pk, vk = verifai.setup(circuit)
    inputs = batch[0].numpy()
    return Pipeline(model, circuit, pk, vk, verifai.prove(pk, inputs), inputs)


@pytest.fixture(scope="session")
def tiny() -> Pipeline:
    """Everything public."""
    return build(0)


@pytest.fixture(scope="session")
def other() -> Pipeline:
    """The same shapes with other weights."""
    return build(1)


@pytest.fixture
def bundle(tiny: Pipeline, tmp_path: Path) -> tuple[Path, Path]:
    """Paths of a good bundle and its key."""
    return tiny.proof.save(tmp_path / "proof.vfb"), tiny.vk.save(tmp_path / "verifying.vfk")
