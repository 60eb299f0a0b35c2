"""Keys that name one model and hold another's weights, under one operation table.

Whoever made such a key ran an honest setup on a circuit of his own, and proofs under it verify. A
comparison of names passes it; making the key again from one's own circuit is what finds it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import verifai
from tests.graph.single import model, node
from tests.hostile.strings import halo2
from tests.needs import skip_without
from verifai.backends.native import keys
from verifai.cli.main import main
from verifai.errors import MalformedError, UsageError, VerificationError
from verifai.progress import Silent
from verifai.proof import VerifyingKey

skip_without("verifai._native", "torch")

BATCH = np.random.default_rng(1).uniform(-1, 1, (16, 1, 4)).astype(np.float32)
#: Of weights that are published: either anybody may see them, or nothing is blinded.
SHOWN: dict[str, dict[str, Any]] = {
    "public weights": {"visibility": verifai.Visibility(weights="public")},
    "no zero knowledge": {"options": verifai.NativeOptions(log_columns=7, zero_knowledge=False)},
}
PUBLIC = SHOWN["public weights"]


def linear(sign: float) -> verifai.Model:
    """``x @ w``: with either sign the ranges, and so the operation tables, are the same."""
    weights = np.array([[0.5], [-0.25], [0.125], [0.75]], np.float32)
    return model([node("MatMul", ["x", "w"])], {"x": (1, 4)}, {"w": sign * weights})


def compiled(sign: float, **settings: Any) -> verifai.Circuit:
    both = np.concatenate([BATCH, -BATCH])
    settings = {"options": verifai.NativeOptions(log_columns=7)} | settings
    return verifai.compile(linear(sign), both, **settings)


def key_of(circuit: verifai.Circuit, srs: verifai.SRS | None = None) -> VerifyingKey:
    """What a setup of one's own makes of any circuit: it is under no check of ours."""
    return keys.setup(circuit, srs, Silent())[1]


def liar(**settings: Any) -> verifai.Circuit:
    """One model's name, the other's file and weights."""
    return replace(compiled(-1, **settings), model=linear(1).digest)


def refused(circuit: verifai.Circuit, key: VerifyingKey, **given: Any) -> None:
    with pytest.raises(VerificationError, match="weights") as caught:
        verifai.verify_model(circuit, key, **given)
    assert caught.value.check == 12


@pytest.mark.parametrize("shown", SHOWN)
def test_weights_of_another_model_are_found(shown: str) -> None:
    mine, key = compiled(1, **SHOWN[shown]), key_of(liar(**SHOWN[shown]))
    assert mine.fixed() == bytes(key.material[0])
    assert mine.names(None) == (key.model, key.circuit)
    verifai.verify_model(linear(1), key)  # a name, and no more
    refused(mine, key)
    verifai.verify_model(mine, verifai.setup(mine)[1])


def test_a_circuit_file_with_a_third_ones_graph_makes_no_better_key() -> None:
    """Name and file agree; the graph is another model's."""
    mine, theirs = compiled(1, **PUBLIC), compiled(-1, **PUBLIC)
    refused(mine, verifai.setup(replace(theirs, model=mine.model, onnx=mine.onnx))[1])


def test_blinded_weights_that_are_called_public_are_found() -> None:
    mine = compiled(1, **PUBLIC)
    honest = verifai.setup(mine)[1]
    blinded = verifai.setup(compiled(1))[1]
    table, _, tau_g2 = honest.material
    refused(mine, replace(honest, material=(table, blinded.material[1], tau_g2)))


@pytest.mark.parametrize(
    "change",
    [
        lambda key: replace(key, proof_bytes=key.proof_bytes + 1),
        lambda key: replace(key, guarantees=replace(key.guarantees, zero_knowledge=False)),
        lambda key: replace(key, guarantees=replace(key.guarantees, version="0")),
    ],
    ids=["length", "zero knowledge", "version"],
)
def test_the_rest_of_the_key_is_compared_as_well(
    change: Callable[[VerifyingKey], VerifyingKey],
) -> None:
    mine = compiled(1, **PUBLIC)
    refused(mine, change(verifai.setup(mine)[1]))


def test_with_hidden_weights_name_and_table_are_what_is_shown() -> None:
    """The boundary: docs/verification.md says that only the owner can see more."""
    pk, vk = keys.setup(liar(), None, Silent())
    verifai.verify_model(compiled(1), vk, salt=pk.salt)


def test_a_string_that_is_not_at_hand_has_to_be_given(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("own.srs", "other.srs")]
    for path, tau in zip(
        paths, (7_368_787_987_654_321_123, 9_182_736_455_463_728_191), strict=True
    ):
        path.write_bytes(halo2(7, tau=tau))
    own, other = map(verifai.SRS.load, paths)
    mine = compiled(1, **PUBLIC)
    honest, false = verifai.setup(mine, srs=own)[1], key_of(liar(**PUBLIC), own)
    for key in (honest, false):
        with pytest.raises(UsageError, match="not at hand") as caught:
            verifai.verify_model(mine, key)
        assert "srs=" in str(caught.value.hint)
        with pytest.raises(UsageError, match="another one than the one given"):
            verifai.verify_model(mine, key, srs=other)
    verifai.verify_model(mine, honest, srs=own)
    refused(mine, false, srs=own)


def test_a_circuit_that_names_another_model_is_none(tmp_path: Path) -> None:
    """In files, and in memory."""
    false = liar(**PUBLIC)
    calls: list[Callable[[], Any]] = [
        lambda: verifai.Circuit.load(false.save(tmp_path / "circuit")),
        lambda: verifai.Circuit.from_bytes(false.to_bytes()),
        lambda: verifai.setup(false),
        lambda: verifai.verify_model(false, verifai.setup(compiled(1, **PUBLIC))[1]),
        lambda: verifai.ProvingKey.from_bytes(keys.setup(false, None, Silent())[0].to_bytes()),
    ]
    for call in calls:
        with pytest.raises(MalformedError, match="names another model"):
            call()


def test_the_command_line_says_what_it_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = compiled(1, **PUBLIC)
    files = {name: str(tmp_path / name) for name in ("m.onnx", "circuit", "honest", "false")}
    linear(1).save(files["m.onnx"])
    mine.save(files["circuit"])
    verifai.setup(mine)[1].save(files["honest"])
    key_of(liar(**PUBLIC)).save(files["false"])
    for key in ("honest", "false"):  # a name is all that is compared, and it says so
        assert main(["model", files["m.onnx"], "--key", files[key]]) == 0
        said = capsys.readouterr().out
        assert "the word of the key's maker" in said
        assert "VERIFIED" not in said
    assert main(["model", files["circuit"], "--key", files["honest"]]) == 0
    assert "weights included" in capsys.readouterr().out
    assert main(["model", files["circuit"], "--key", files["honest"], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["compared"] == "key"
    assert main(["model", files["circuit"], "--key", files["false"]]) == 1
    assert "weights" in capsys.readouterr().err
    assert main(["model", str(tmp_path / "nothing"), "--key", files["honest"]]) == 3
