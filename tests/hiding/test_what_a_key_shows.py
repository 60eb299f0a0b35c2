"""What a key that hides its weights shows of them: powers of two, and nothing else.

Everything that is published of a model is compared whole, field by field, for two sets of weights:
what differs is what a setup draws at random.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import verifai
from tests.graph.models import CASES, Case
from tests.graph.single import model, node
from tests.needs import skip_without
from verifai.circuit.lower import lower
from verifai.cli.main import main
from verifai.graph import build
from verifai.graph.lower import Options
from verifai.graph.sealed import SHOWN
from verifai.model import Model

skip_without("torch", "onnxruntime")

#: The fields of a key's header that a setup draws at random, where the key hides its weights.
DRAWN = {"model", "circuit"}
#: Of a statement; the digest of the key is one of what is drawn.
DRAWN_IN_STATEMENTS = DRAWN | {"verifying_key"}

#: What of a statement comes from a proof, and not from the key.
CLAIMED = {"statement inputs", "statement outputs", "proof's length"}

Weights = dict[str, np.ndarray]


def header(key: verifai.VerifyingKey) -> dict[str, Any]:
    return key._header()


def published(key: verifai.VerifyingKey, proof: verifai.Proof) -> dict[str, Any]:
    """Everything but the proof's own bytes, by name; what is drawn at random left out."""
    table, commitments, tau_g2 = key.material
    statement = proof.statement.to_json()
    return {
        **{f"key {name}": v for name, v in header(key).items() if name not in DRAWN},
        **{f"statement {n}": v for n, v in statement.items() if n not in DRAWN_IN_STATEMENTS},
        "table": bytes(table),
        "rows": len(commitments),
        "tau": bytes(tau_g2),
        "key's length": len(key.to_bytes()),
        "proof's length": len(proof.to_bytes()),
    }


def drawn(key: verifai.VerifyingKey) -> dict[str, str]:
    """What a setup draws, or what follows from it."""
    commitments = bytes(key.material[1]).hex()
    return {
        **{name: header(key)[name] for name in DRAWN},
        "digest": key.digest,
        **{f"row {i // 128}": commitments[i : i + 128] for i in range(0, len(commitments), 128)},
    }


# -- the attack: all candidates of a small ternary model


def ternary(weights: np.ndarray) -> Model:
    """``x @ w`` with four weights from -1, 0, 1."""
    return model([node("MatMul", ["x", "w"])], {"x": (1, 4)}, {"w": weights.reshape(4, 1)})


def candidates() -> list[np.ndarray]:
    """All with two weights that are not zero: a key may show the power of two of the outputs, and
    with it how many there are.
    """
    found = []
    for places in combinations(range(4), 2):
        for signs in product((-1, 1), repeat=2):
            weights = np.zeros(4, np.float32)
            weights[list(places)] = signs
            found.append(weights)
    return found


#: On these all candidates have outputs from -2 to 2.
SIGNS = np.array(list(product((-1, 1), repeat=4)), np.float32).reshape(-1, 1, 4)


def compiled(weights: np.ndarray) -> verifai.Circuit:
    hidden = verifai.Visibility(input="private", output="private")
    return verifai.compile(
        ternary(weights), SIGNS, visibility=hidden, options=verifai.NativeOptions(log_columns=7)
    )


def test_no_field_tells_the_true_one_of_all_candidates() -> None:
    """Whoever has the key, a bundle and every candidate compiles each, and compares everything."""
    secret = candidates()[13]
    pk, vk = verifai.setup(compiled(secret))
    proof = verifai.prove(pk, SIGNS[0])
    truth, text = published(vk, proof), vk.to_bytes() + proof.to_bytes()
    for guess in candidates():
        circuit = compiled(guess)
        own, key = verifai.setup(circuit)
        # nothing that is computed from a guess alone is in what was published
        for digest in (circuit.model, circuit.digest):
            assert digest.encode() not in text
        assert set(drawn(key).values()).isdisjoint(drawn(vk).values())
        assert (
            published(key, replace(proof, statement=key.statement((), ())))
            | {name: value for name, value in truth.items() if name in CLAIMED}
            == truth
        )
    assert published(key, verifai.prove(own, SIGNS[0])) == truth


def test_two_setups_of_one_circuit_share_nothing_that_is_drawn() -> None:
    """So that none of it can be computed from the weights."""
    circuit = compiled(candidates()[0])
    first, second = (verifai.setup(circuit)[1] for _ in range(2))
    assert drawn(first).keys() == drawn(second).keys()
    assert set(drawn(first).values()).isdisjoint(drawn(second).values())


# -- whole keys of two models of one architecture


def floats(made: Model) -> Weights:
    """Weights by name, but for constants that lowering has to know, which a key shows."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load_from_string(made.onnx).graph
    shown = {name for n in graph.node if n.op_type in SHOWN for name in n.input}
    arrays = {t.name: numpy_helper.to_array(t) for t in graph.initializer if t.name not in shown}
    return {name: array for name, array in arrays.items() if array.dtype.kind == "f"}


def with_weights(made: Model, weights: Weights) -> Model:
    import onnx
    from onnx import numpy_helper

    proto = onnx.load_from_string(made.onnx)
    for tensor in proto.graph.initializer:
        if tensor.name in weights:
            array = weights[tensor.name].astype(numpy_helper.to_array(tensor).dtype)
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    return verifai.load(proto.SerializeToString())


def nearby(weights: Weights) -> Weights:
    """Each number up to three percent smaller: also what is computed from several stays near."""
    rng = np.random.default_rng(7)
    return {name: w * rng.uniform(0.97, 0.999, w.shape) for name, w in weights.items()}


def same_powers(weights: Weights) -> Weights:
    """Other signs and digits, the power of two of each number kept. Where a bound lies far away
    its sign decides whether there is a circuit at all: that stays.
    """
    rng = np.random.default_rng(8)

    def other(w: np.ndarray) -> np.ndarray:
        power = np.exp2(np.floor(np.log2(np.abs(np.where(w == 0, 1, w)))))
        signs = np.where(np.abs(w) > 1e3, np.sign(w), rng.choice([-1, 1], w.shape))
        return np.where(w == 0, 0, signs * power * rng.uniform(1.02, 1.97, w.shape))

    return {name: other(np.asarray(w)) for name, w in weights.items()}


LEARNED = [case for case in CASES if case.operator not in SHOWN and case.learned()]
#: What is computed from several numbers, or from a reciprocal, has a power of two of its own.
COMPUTED = {"BatchNormalization", "Div"}


def tables(
    made: Model, others: list[Model], samples: Any, saturate: bool, monkeypatch: pytest.MonkeyPatch
) -> list[bytes]:
    """Operation tables under the calibrated ranges of the first model.

    Ranges of activations are a documented part of a key (their powers of two); here they are the
    same, so that all that differs comes from the weights themselves.
    """
    module = import_module("verifai.graph.build")
    found = module.calibrated(module.simplified(made, samples[0])[0], made, samples)
    monkeypatch.setattr(module, "calibrated", lambda *_: found)
    options = Options(saturate=saturate)
    graphs = [build(one, samples, options) for one in (made, *others)]
    return [lower(graph, verifai.Visibility(), hiding=True).table for graph in graphs]


@pytest.mark.parametrize("saturate", [False, True])
@pytest.mark.parametrize("case", LEARNED, ids=str)
def test_every_operator_shows_powers_of_two_alone(
    case: Case, saturate: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = case.model()
    assert floats(made)
    others = [with_weights(made, nearby(floats(made)))]
    if case.operator not in COMPUTED:
        others.append(with_weights(made, same_powers(floats(made))))
    assert len({one.digest for one in (made, *others)}) > 1
    mine, *theirs = tables(made, others, case.samples(4), saturate, monkeypatch)
    for other in theirs:
        assert json.loads(other) == json.loads(mine)


def uniform(*shape: int) -> np.ndarray:
    """Numbers from 0.55 to 0.9 in absolute value."""
    rng = np.random.default_rng(shape)
    array = rng.uniform(0.55, 0.9, shape) * rng.choice([-1, 1], shape)
    return array.astype(np.float32)


def perceptron() -> Model:
    nodes = [
        node("Gemm", ["x", "w", "b"], ["h"], transB=1),
        node("PRelu", ["h", "s"], ["r"]),
        node("Gemm", ["r", "v", "c"], ["y"], transB=1, name="last"),
    ]
    weights = {"w": uniform(6, 8), "b": uniform(6), "s": uniform(1), "v": uniform(3, 6)}
    return model(nodes, {"x": (1, 8)}, {**weights, "c": uniform(3)})


def convolutional() -> Model:
    nodes = [
        node("Conv", ["x", "w", "b"], ["h"]),
        node("BatchNormalization", ["h", "s", "o", "m", "v"], ["n"]),
        node("Relu", ["n"], ["r"]),
        node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        node("Flatten", ["p"], ["f"]),
        node("Gemm", ["f", "g", "c"], ["y"]),
    ]
    weights = {"w": uniform(2, 1, 3, 3), "b": uniform(2), "g": uniform(8, 3), "c": uniform(3)}
    moments = {"s": uniform(2), "o": uniform(2), "m": uniform(2), "v": np.abs(uniform(2))}
    return model(nodes, {"x": (1, 1, 6, 6)}, {**weights, **moments})


def attention() -> Model:
    nodes = [
        node("Add", ["x", "e"], ["p"]),
        node("LayerNormalization", ["p", "g", "o"], ["n"], axis=-1),
        *(node("MatMul", ["n", w], [out], name=out) for w, out in ("qQ", "kK", "vV")),
        node("Transpose", ["K"], ["T"], perm=[0, 2, 1]),
        node("MatMul", ["Q", "T"], ["S"], name="scores"),
        node("Mul", ["S", "t"], ["s"]),
        node("Softmax", ["s"], ["a"], axis=-1),
        node("MatMul", ["a", "V"], ["y"], name="mixed"),
    ]
    weights = {name: uniform(4, 4) * i for name, i in (("q", 0.5), ("k", 0.52), ("v", 1.0))}
    more = {"e": uniform(3, 4), "g": uniform(4), "o": uniform(4), "t": np.float32(0.6)}
    small = {name: w.astype(np.float32) for name, w in weights.items()}
    return model(nodes, {"x": (1, 3, 4)}, {**small, **more})


def embedded() -> Model:
    """A table of vectors, read by one-hot rows, as circuits take floats."""
    nodes = [
        node("MatMul", ["x", "w"], ["h"]),
        node("Gather", ["h", "i"], ["z"], axis=1),
        node("Tanh", ["z"], ["u"]),
        node("ReduceMean", ["u"], ["r"], axes=[1], keepdims=0),
        node("MatMul", ["r", "v"], ["y"], name="last"),
    ]
    weights = {"w": uniform(5, 4), "v": uniform(4, 2), "i": np.array([2, 0, 1])}
    return model(nodes, {"x": (1, 3, 5)}, weights, opset=17)


ARCHITECTURES: dict[str, Callable[[], Model]] = {
    "perceptron": perceptron,
    "convolutional": convolutional,
    "attention": attention,
    "embedded": embedded,
}


@pytest.mark.parametrize("saturate", [False, True])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_whole_keys_of_one_architecture_are_equal(name: str, saturate: bool) -> None:
    made = ARCHITECTURES[name]()
    other = with_weights(made, nearby(floats(made)))
    shape = made.inputs[0].shape
    batch = np.random.default_rng(3).uniform(-1, 1, (16, *shape)).astype(np.float32)
    both = []
    for one in (made, other):
        options = verifai.NativeOptions(saturate=saturate, log_columns=7)
        hidden = verifai.Visibility(input="private", output="private")
        pk, vk = verifai.setup(verifai.compile(one, batch, visibility=hidden, options=options))
        assert vk.hides_weights
        both.append((published(vk, verifai.prove(pk, batch[0])), drawn(vk)))
    assert both[0][0] == both[1][0]
    assert set(both[0][1].values()).isdisjoint(both[1][1].values())


def spread(weights: Weights) -> Weights:
    """The largest number of each row stays, all others are almost nothing: a far smaller sum."""
    found = {}
    for name, w in weights.items():
        if w.ndim != 2:
            found[name] = w
            continue
        keep = np.abs(w) == np.abs(w).max(axis=1, keepdims=True)
        found[name] = np.where(keep, w, w / 64)
    return found


def test_sums_of_weights_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranges of accumulators, which ``saturate`` shows, are the worst case of any such weights."""
    made = perceptron()
    rows = {name: w for name, w in floats(made).items() if name in ("w", "v")}
    other = with_weights(made, spread(rows))
    sample = np.random.default_rng(3).uniform(-1, 1, (1, 1, 8)).astype(np.float32)
    mine, theirs = tables(made, [other], [tuple(sample)], True, monkeypatch)
    assert json.loads(mine) == json.loads(theirs)


# -- opening the name of a model


@pytest.fixture(scope="module")
def keys() -> tuple[Model, verifai.Circuit, verifai.ProvingKey, verifai.VerifyingKey]:
    made = ternary(candidates()[0])
    circuit = compiled(candidates()[0])
    return made, circuit, *verifai.setup(circuit)


def refused(check: int, model: Any, key: verifai.VerifyingKey, salt: bytes | None) -> None:
    with pytest.raises(verifai.VerificationError) as caught:
        verifai.verify_model(model, key, salt=salt)
    assert caught.value.check == check


def test_the_salt_opens_the_name_for_the_right_file_alone(keys: Any) -> None:
    made, circuit, pk, vk = keys
    verifai.verify_model(made, vk, salt=pk.salt)
    verifai.verify_model(circuit, vk, salt=pk.salt)
    wrong = ternary(candidates()[1])
    refused(12, wrong, vk, pk.salt)
    refused(12, compiled(candidates()[1]), vk, pk.salt)
    other = bytes([pk.salt[0] ^ 1]) + pk.salt[1:]
    refused(12, made, vk, other)
    refused(12, circuit, vk, other)
    refused(12, made, replace(vk, model=made.digest), pk.salt)
    for nothing in (None, b"", pk.salt[:31], pk.salt + b"\0", pk.salt.hex()):
        with pytest.raises(verifai.UsageError):
            verifai.verify_model(made, vk, salt=nothing)


def test_a_circuit_of_other_settings_is_another_one(keys: Any) -> None:
    made, circuit, pk, vk = keys
    other = verifai.compile(made, SIGNS, options=verifai.NativeOptions(log_columns=7))
    refused(12, other, vk, pk.salt)
    # a header that was copied to another table
    table = bytes(vk.material[0]).replace(b'"log_columns":7', b'"log_columns":8')
    refused(12, circuit, replace(vk, material=(table, *vk.material[1:])), pk.salt)


@pytest.mark.parametrize(("weights", "zero_knowledge"), [("public", True), ("private", False)])
def test_keys_that_hide_nothing_have_no_salt(weights: str, zero_knowledge: bool) -> None:
    """They are the same every time, and the ONNX file alone shows that they name it."""
    made = ternary(candidates()[0])
    circuit = verifai.compile(
        made,
        SIGNS,
        visibility=verifai.Visibility(weights=weights),
        options=verifai.NativeOptions(zero_knowledge=zero_knowledge, log_columns=7),
    )
    (pk, vk), (_, again) = verifai.setup(circuit), verifai.setup(circuit)
    assert vk.to_bytes() == again.to_bytes()
    assert (vk.model, vk.circuit, pk.salt) == (made.digest, circuit.digest, None)
    verifai.verify_model(made, vk)
    verifai.verify_model(circuit, vk)
    refused(12, ternary(candidates()[1]), vk, None)
    with pytest.raises(verifai.UsageError):
        verifai.verify_model(made, vk, salt=bytes(32))


def test_a_proving_key_keeps_the_salt(keys: Any) -> None:
    _, _, pk, vk = keys
    back = verifai.ProvingKey.from_bytes(pk.to_bytes())
    assert back.salt == pk.salt
    assert pk.salt not in vk.to_bytes()
    verifai.verify(verifai.prove(back, SIGNS[0]), vk)
    for salt in (None, bytes(32), pk.salt[:31]):
        with pytest.raises(verifai.MalformedError):
            verifai.ProvingKey.from_bytes(replace(pk, salt=salt).to_bytes())


def test_on_the_command_line(keys: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made, circuit, _, _ = keys
    files = {name: str(tmp_path / name) for name in ("m.onnx", "o.onnx", "c", "pk", "vk", "salt")}
    made.save(files["m.onnx"])
    ternary(candidates()[1]).save(files["o.onnx"])
    circuit.save(files["c"])
    setup = ["setup", files["c"], "--pk", files["pk"], "--vk", files["vk"]]
    assert main([*setup, "--salt", files["salt"]]) == 0
    assert Path(files["salt"]).stat().st_mode & 0o077 == 0
    shown = ["--key", files["vk"], "--salt", files["salt"]]
    assert main(["model", files["m.onnx"], *shown]) == 0
    said = capsys.readouterr().out
    assert "VERIFIED" not in said
    assert "the word of the key's maker" in said
    assert main(["model", files["c"], *shown]) == 0
    said = capsys.readouterr().out
    assert "VERIFIED" not in said
    assert "Its weights are blinded" in said
    assert main(["model", files["o.onnx"], *shown]) == 1
    assert main(["model", files["m.onnx"], *shown[:2]]) == 2
    Path(files["salt"]).write_text("no salt")
    assert main(["model", files["m.onnx"], *shown]) == 3
