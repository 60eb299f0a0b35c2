"""Committed inputs and outputs: linked from proof to proof, and shown to a chosen auditor."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import verifai
from tests.needs import skip_without
from tests.soundness.proofs import Claim, judge
from verifai.backends.native.opening import commitment_of, limb_rows
from verifai.errors import InputError, MalformedError, UsageError, VerificationError
from verifai.proof import TensorClaim
from verifai.proof.opening import RowLayout
from verifai.verifier.native.check import context_bytes, words_of
from verifai.verifier.native.field import P

skip_without("torch")

core = pytest.importorskip("verifai._native", reason="the proving core is not built")

COLUMNS = verifai.NativeOptions(log_columns=7)


@pytest.fixture(scope="module")
def chain() -> Any:
    """A network in two halves, (proving key, verifying key) of each, and inputs of the first."""
    import torch

    torch.manual_seed(5)
    first = torch.nn.Sequential(torch.nn.Linear(6, 100), torch.nn.ReLU())
    second = torch.nn.Sequential(torch.nn.Linear(100, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3))
    x = torch.rand(16, 1, 6)
    h = first(x).detach()
    a = verifai.compile(
        verifai.export(first, (x[0],)),
        x.numpy(),
        visibility=verifai.Visibility("private", "committed"),
        options=COLUMNS,
    )
    model = verifai.export(second, (h[0],))
    scales = {model.inputs[0].name: a.outputs[0].scale}
    b = verifai.compile(
        model,
        h.numpy(),
        visibility=verifai.Visibility("committed", "public"),
        options=replace(COLUMNS, input_scales=scales),
    )
    return verifai.setup(a), verifai.setup(b), x.numpy(), second, first


def only(proof: verifai.Proof) -> verifai.Opening:
    (opening,) = proof.openings.values()
    return opening


@pytest.mark.parametrize("batch", [0, 1, 3])
def test_an_output_becomes_an_input(chain, batch: int) -> None:
    import torch

    (pk_a, vk_a), (pk_b, vk_b), x, second, first = chain
    given = x[:batch] if batch else x[0]
    a = verifai.prove(pk_a, given, batch=bool(batch))
    b = verifai.prove(pk_b, only(a), batch=bool(batch))
    made, taken = verifai.verify(a, vk_a), verifai.verify(b, vk_b)
    verifai.verify_link(made.output, taken.input)
    expected = second(first(torch.from_numpy(given))).detach().numpy()
    assert np.allclose(taken.output.values, expected.reshape(taken.output.shape), atol=1e-2)
    assert "is bound by the commitment" in " ".join(made.sentences())
    assert only(a).blindings == only(b).blindings


def test_both_verifiers_accept_it_and_refuse_other_points(chain) -> None:
    (pk, vk), _, x, *_ = chain
    proof = verifai.prove(pk, x[0])
    key = (vk.header_digest, *map(bytes, vk.material))
    words = b"".join(w.to_bytes(32, "big") for w in words_of(vk, proof.statement))
    claim = Claim(*key, 1, context_bytes(None), words, proof.argument)
    assert judge(claim) is None
    other = verifai.prove(pk, x[1]).argument
    assert judge(claim.but(proof=other[:64] + claim.proof[64:])) is not None


def test_two_proofs_share_no_commitment(chain) -> None:
    (pk, _), _, x, *_ = chain
    seen = {verifai.prove(pk, x[0]).statement.output.commitment for _ in range(4)}
    assert len(seen) == 4


def test_a_claimed_commitment_is_that_of_the_proof(chain) -> None:
    """A statement that names another proof's commitment fails check 7."""
    (pk, vk), _, x, *_ = chain
    mine, other = verifai.prove(pk, x[0]), verifai.prove(pk, x[0])
    for commitment in (other.statement.output.commitment, "00" * 32):
        claim = replace(mine.statement.output, commitment=commitment)
        statement = replace(mine.statement, outputs=(claim,))
        with pytest.raises(VerificationError, match="committed tensor") as caught:
            verifai.verify(verifai.Proof.of(statement, mine.argument), vk)
        assert caught.value.check == 7


def test_a_link_of_what_is_not_the_same_is_refused(chain) -> None:
    (pk_a, vk_a), (pk_b, vk_b), x, *_ = chain
    a, other = verifai.prove(pk_a, x[0]), verifai.prove(pk_a, x[0])
    made = verifai.verify(a, vk_a).output
    taken = verifai.verify(verifai.prove(pk_b, only(other)), vk_b)
    scaled = replace(made, spec=replace(made.spec, scale=made.spec.scale + 1))
    for output, given in (
        (made, taken.input),  # the same values under other blindings are not linked
        (made, taken.output),
        (scaled, made),
        (replace(made, spec=replace(made.spec, shape=(100,))), made),
    ):
        with pytest.raises(VerificationError) as caught:
            verifai.verify_link(output, given)
        assert caught.value.check == 11


def test_its_owner_can_show_it(chain) -> None:
    import torch

    (pk, vk), _, x, _, first = chain
    proof = verifai.prove(pk, x[2])
    opening, claim = only(proof), verifai.verify(proof, vk).output
    values = verifai.verify_opening(opening, claim)
    assert np.allclose(values, first(torch.from_numpy(x[2])).detach().numpy(), atol=1e-3)
    integers = list(opening.integers)
    integers[7] += 1
    one_more = bytearray(opening.blindings)
    one_more[31] ^= 1
    for bad in (
        replace(opening, integers=tuple(integers)),
        replace(opening, blindings=bytes(one_more)),
        replace(opening, spec=replace(opening.spec, scale=opening.spec.scale - 1)),
        replace(opening, layout=replace(opening.layout, dims=(100, 1))),
        only(verifai.prove(pk, x[2])),
    ):
        with pytest.raises(VerificationError) as caught:
            verifai.verify_opening(bad, claim)
        assert caught.value.check == 10
    with pytest.raises(UsageError, match="not committed"):
        verifai.verify_opening(opening, TensorClaim(replace(claim.spec, visibility="private")))
    elsewhere = replace(opening, layout=replace(opening.layout, srs_id="11" * 32))
    with pytest.raises(UsageError, match="must be given"):
        verifai.verify_opening(elsewhere, claim)
    for blindings in (P.to_bytes(32, "big") * 2, opening.blindings[:32]):
        with pytest.raises(MalformedError):
            verifai.verify_opening(replace(opening, blindings=blindings), claim)


def test_it_comes_back_from_a_private_file(chain, tmp_path) -> None:
    (pk, _), _, x, *_ = chain
    proof = verifai.prove(pk, x[0])
    opening = only(proof)
    path = opening.save(tmp_path / "h.opening")
    assert verifai.Opening.load(path) == opening
    assert path.stat().st_mode & 0o777 == 0o600
    assert opening.blindings not in proof.to_bytes()
    assert repr(opening) == "Opening('relu' [1, 100], secret)"
    data = opening.to_bytes()
    for bad in (data[:-1], data + b"\0", data.replace(b'"offset":-', b'"offset":-9')):
        with pytest.raises(MalformedError):
            verifai.Opening.from_bytes(bad)


def test_an_opening_of_another_form_is_no_input(chain) -> None:
    import torch

    (pk_a, _), (pk_b, _), x, *_ = chain
    opening = only(verifai.prove(pk_a, x[0]))
    layout = opening.layout
    for change, message in (
        ({"spec": replace(opening.spec, scale=3)}, "input_scales"),
        ({"layout": replace(layout, log_columns=8)}, "log_columns"),
        ({"layout": replace(layout, srs_id="00" * 32)}, "srs_id"),
        ({"blindings": opening.blindings[:32]}, "damaged"),
    ):
        with pytest.raises(InputError, match=message):
            verifai.prove(pk_b, replace(opening, **change))
    circuit = verifai.compile(
        verifai.export(torch.nn.Linear(100, 2), (torch.zeros(1, 100),)),
        np.ones((4, 1, 100), np.float32),
        options=COLUMNS,
    )
    with pytest.raises(InputError, match="is not committed"):
        verifai.prove(verifai.setup(circuit)[0], opening)


def test_a_commitment_must_hide(chain) -> None:
    import torch

    model = verifai.export(torch.nn.Linear(3, 2), (torch.zeros(1, 3),))
    for visibility in (
        verifai.Visibility("committed", "public"),
        verifai.Visibility("public", "committed"),
    ):
        data = np.ones((2, 1, 3), np.float32)
        with pytest.raises(UsageError, match="would hide nothing"):
            verifai.compile(
                model,
                data,
                visibility=visibility,
                options=verifai.NativeOptions(zero_knowledge=False),
            )


def test_rows_are_those_of_the_core() -> None:
    """Values at known addresses: outer axes above, inner ones padded, limb after limb."""
    layout = RowLayout((2, 3), (0,), -8, (2, 2), 4, "00" * 32)
    rows = limb_rows(layout, (-8, -7, 7, 0, 1, 2))
    assert rows.tolist() == [[0, 1, 3, 0, 0, 1, 2, 0, 0, 0, 3, 0, 2, 2, 2, 0]]
    srs = core.Srs.development(16)
    one = np.zeros(16, dtype="<i8")
    one[0] = 1
    generator = srs.commit(one.tobytes(), bytes(32))
    assert generator == srs.to_points(16)[:64]
    with pytest.raises(ValueError, match="longer"):
        srs.commit(np.zeros(17, dtype="<i8").tobytes(), bytes(32))


def test_the_commitment_is_that_of_its_points(chain) -> None:
    (pk, _), _, x, *_ = chain
    opening = only(verifai.prove(pk, x[0]))
    assert commitment_of(opening, None) != commitment_of(
        replace(opening, blindings=bytes(len(opening.blindings))), None
    )


def test_a_key_cannot_call_an_output_an_input(chain) -> None:
    """The table knows which of its linked tensors is which."""
    (pk, vk), _, x, *_ = chain
    proof = verifai.prove(pk, x[0])
    swapped = replace(
        vk,
        inputs=tuple(replace(spec, visibility="committed") for spec in vk.inputs),
        outputs=tuple(replace(spec, visibility="private") for spec in vk.outputs),
    )
    commitment = proof.statement.output.commitment
    statement = swapped.statement(
        [TensorClaim(spec, commitment=commitment) for spec in swapped.inputs],
        [TensorClaim(spec) for spec in swapped.outputs],
    )
    with pytest.raises(VerificationError, match="contradicts itself") as caught:
        verifai.verify(verifai.Proof.of(statement, proof.argument), swapped)
    assert caught.value.check == 3


def test_a_cut_behind_a_flatten_is_refused_with_where_to_cut() -> None:
    import torch

    torch.manual_seed(5)
    front, back, flatten = torch.nn.Conv2d(1, 3, 2), torch.nn.Linear(27, 2), torch.nn.Flatten()
    x = torch.rand(8, 1, 1, 4, 4)
    h = torch.stack([front(one) for one in x]).detach()

    def key(module: Any, inputs: Any, *visible: Any, **scales: int) -> Any:
        model = verifai.export(module.eval(), (inputs[0],))
        options = verifai.NativeOptions(log_columns=7, input_scales=scales)
        visibility = verifai.Visibility(*visible)
        circuit = verifai.compile(model, inputs, visibility=visibility, options=options)
        return verifai.setup(circuit)[0]

    def opening(module: Any) -> Any:
        (found,) = verifai.prove(key(module, x, "private", "committed"), x[0]).openings.values()
        return found

    behind, before = opening(torch.nn.Sequential(front, flatten)), opening(front)
    scale = before.spec.scale
    late = key(back, h.flatten(2), "committed", input=scale)
    with pytest.raises(InputError, match="differ in dims") as caught:
        verifai.prove(late, behind)
    assert "end the first model before it, begin the second with it" in caught.value.hint
    verifai.prove(key(torch.nn.Sequential(flatten, back), h, "committed", input=scale), before)
