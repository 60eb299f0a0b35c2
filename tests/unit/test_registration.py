"""Registration: a proof about a key, that its committed weights are integers within their bits."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import verifai
from tests.needs import skip_without
from verifai.errors import MalformedError, UnsupportedError, VerificationError
from verifai.verifier import results
from verifai.verifier.native.parse import parse_table
from verifai.verifier.native.registration import registration_table, weight_bits

skip_without("torch")

core = pytest.importorskip("verifai._native", reason="the proving core is not built")


@pytest.fixture(scope="module", params=[True, False])
def keys(request: pytest.FixtureRequest):
    import torch

    torch.manual_seed(3)
    module = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.ReLU(), torch.nn.Linear(5, 2))
    batch = torch.rand(8, 1, 4)
    model = verifai.export(module, (batch[0],))
    circuit = verifai.compile(
        model, batch, options=verifai.NativeOptions(zero_knowledge=request.param)
    )
    pk, vk = verifai.setup(circuit)
    return pk, vk, verifai.prove(pk, batch[0]), verifai.prove_weights(pk)


def test_the_statement_says_whether_it_was_checked(keys) -> None:
    _, vk, proof, registration = keys
    plain = verifai.verify(proof, vk)
    ranged = verifai.verify(proof, vk, registration=registration)
    assert (plain.weights_ranged, ranged.weights_ranged) == (False, True)
    assert plain == ranged  # what was claimed is the same
    assert plain.digest == ranged.digest
    assert plain.sentences() != ranged.sentences()


def test_it_comes_back_from_a_file(keys, tmp_path) -> None:
    registration = keys[3]
    assert verifai.Registration.load(registration.save(tmp_path / "r")) == registration
    data = registration.to_bytes()
    for bad in (data[:-1], data + b"\0", b"", data[:4] + b"\xff" + data[5:]):
        with pytest.raises(MalformedError):
            verifai.Registration.from_bytes(bad)


def test_anothers_or_a_changed_one_fails_check_9(keys) -> None:
    _, vk, proof, registration = keys
    argument = registration.argument
    for bad in (
        replace(registration, verifying_key="00" * 32),
        replace(registration, argument=argument[:-1] + bytes([argument[-1] ^ 1])),
        replace(registration, argument=argument[:640] + bytes(32) + argument[672:]),
        replace(registration, argument=proof.argument),
    ):
        with pytest.raises(VerificationError) as caught:
            verifai.verify(proof, vk, registration=bad)
        assert caught.value.check == 9
        passed = [(r.number, r.passed) for r in results(caught.value, registration=True)]
        assert passed == [*((n, True) for n in range(1, 8)), (9, False)]


def test_weights_out_of_range_have_no_registration(keys) -> None:
    """A key for weights of 17 bits proves inferences, and cannot be registered."""
    _, vk, *_ = keys
    table = bytes(vk.material[0])
    ranged = registration_table(table)
    nodes = json.loads(ranged)["nodes"]
    shapes = [node["shape"] for node in nodes if node["kind"] == "weight"]
    weights = [np.zeros(shape, dtype="<i8") for shape in shapes]
    srs = core.Srs.development(1 << json.loads(table)["log_columns"])
    for value, fits in ((32767, True), (32768, False), (-32768, True), (-32769, False)):
        weights[0].reshape(-1)[0] = value
        tensors = [array.tobytes() for array in weights]
        narrow = [array.astype("<i4").tobytes() for array in weights]
        prover = core.Prover(vk.header_digest, ranged, narrow, srs)
        _, proof = prover.prove_spoiled(1, tensors, bytes(32), stubborn=True)
        arguments = (
            vk.header_digest,
            ranged,
            prover.commitments,
            srs.tau_g2,
            1,
            bytes(32),
            b"",
            proof,
        )
        if fits:
            core.native_verify(*arguments)
        else:
            with pytest.raises(ValueError, match=r"last|tail"):
                core.native_verify(*arguments)


def test_what_is_multiplied_has_16_bits_and_what_is_added_32(keys) -> None:
    table = parse_table(bytes(keys[1].material[0]))
    bits = [table.nodes[index].shape and width for index, width in weight_bits(table).items()]
    assert sorted(bits) == [16, 16, 32, 32]


def test_an_ezkl_key_needs_none(keys) -> None:
    pk = keys[0]
    with pytest.raises(UnsupportedError):
        verifai.prove_weights(replace(pk, circuit=replace(pk.circuit, backend="ezkl")))


def test_one_slope_is_private_proved_and_ranged() -> None:
    """A PReLU's only slope: no number of the table, a weight of 16 bits."""
    import torch

    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.PReLU(init=0.2731))
    batch = torch.rand(8, 1, 4) - 0.5
    pk, vk = verifai.setup(verifai.compile(verifai.export(module, (batch[0],)), batch))
    nodes = json.loads(bytes(vk.material[0]))["nodes"]
    assert sorted(weight_bits(parse_table(bytes(vk.material[0]))).values()) == [16, 16, 32]
    coefficients = {c for node in nodes if node["kind"] == "linear" for c, _ in node["terms"]}
    assert all(c in (1, -1) or c & (c - 1) == 0 for c in coefficients)
    proof, registration = verifai.prove(pk, batch[0]), verifai.prove_weights(pk)
    statement = verifai.verify(proof, vk, registration=registration)
    assert statement.weights_ranged
    found = torch.tensor(statement.outputs[0].values, dtype=torch.float32).reshape(1, 3)
    assert torch.allclose(found, module(batch[0]), atol=1e-3)
