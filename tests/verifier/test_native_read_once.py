"""A table is parsed once for a key, and laid out once for each batch: not for each proof."""

from __future__ import annotations

import copy
import pickle
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

import verifai
from tests.needs import skip_without
from verifai.errors import LimitError
from verifai.verifier.native import circuit as reading
from verifai.verifier.native.check import check_key
from verifai.verifier.native.circuit import MAX_KEPT_CIRCUITS
from verifai.verifier.native.key import key_of

skip_without("verifai._native", "torch")


@pytest.fixture(scope="module")
def keys() -> tuple[verifai.ProvingKey, verifai.VerifyingKey, Any]:
    import torch

    torch.manual_seed(3)
    module = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.ReLU(), torch.nn.Linear(5, 2))
    x = torch.rand(16, 1, 4)
    circuit = verifai.compile(
        verifai.export(module, (x[0],)),
        x.numpy(),
        options=verifai.NativeOptions(log_columns=7),
        progress=False,
    )
    return *verifai.setup(circuit, progress=False), x.numpy()


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    seen: Counter[str] = Counter()

    def counting(name: str) -> Callable[..., Any]:
        real = getattr(reading, name)

        def counted(*arguments: Any) -> Any:
            seen[name] += 1
            return real(*arguments)

        return counted

    for name in ("parse_table", "expand", "layout_of"):
        monkeypatch.setattr(reading, name, counting(name))
    return seen


def test_once_for_a_key_and_once_for_a_batch(keys, calls: Counter[str]) -> None:
    pk, vk, x = keys
    pk = verifai.ProvingKey.from_bytes(pk.to_bytes())
    proofs = [verifai.prove(pk, given, progress=False) for given in (x[0], x[1])]
    proofs += [
        verifai.prove(pk, several, batch=True, progress=False) for several in (x[:3], x[3:6])
    ]
    # batch 1 is laid out for the key's own length of proofs
    assert calls == {"parse_table": 1, "expand": 2, "layout_of": 2}
    calls.clear()
    fresh = verifai.VerifyingKey.from_bytes(vk.to_bytes())
    for proof in (*proofs, *proofs):
        verifai.verify(proof, fresh)
    assert calls == {"parse_table": 1, "expand": 2, "layout_of": 2}
    verifai.verify(proofs[0], verifai.VerifyingKey.from_bytes(vk.to_bytes()))
    assert calls["parse_table"] == 1  # the same key, which somebody still has


def test_what_is_kept_is_no_part_of_a_key(keys) -> None:
    _, vk, _ = keys
    fresh = verifai.VerifyingKey.from_bytes(vk.to_bytes())
    shown, pickled = repr(fresh), len(pickle.dumps(fresh))
    fresh.kept(check_key)
    read = key_of(fresh)
    assert key_of(fresh) is read
    assert (repr(fresh), len(pickle.dumps(fresh))) == (shown, pickled)
    for other in (copy.deepcopy(fresh), pickle.loads(pickle.dumps(fresh))):  # noqa: S301
        assert other == fresh
        assert hash(other) == hash(fresh)
        assert key_of(other) is not read


def test_a_key_cannot_bring_what_it_wants_to_be_found(keys) -> None:
    pk, vk, x = keys
    proof = verifai.prove(pk, x[0], progress=False)
    fresh = verifai.VerifyingKey.from_bytes(vk.to_bytes())
    vars(fresh).update(_kept={check_key: None}, _reread=object(), digest="0" * 64)
    assert verifai.verify(proof, fresh).verifying_key == vk.digest


def test_every_verification_is_charged(keys, monkeypatch: pytest.MonkeyPatch) -> None:
    """A circuit that is kept brings the work that it took: no budget starts at zero."""
    pk, vk, x = keys
    proof = verifai.prove(pk, x[0], progress=False)
    verifai.verify(proof, vk)
    spent = key_of(vk).circuits.of(1).spent
    assert spent > len(bytes(vk.material[0])) // 2
    monkeypatch.setattr("verifai.verifier.native.field.MAX_WORK", spent)
    with pytest.raises(LimitError, match="MAX_WORK"):
        verifai.verify(proof, vk)


def test_few_circuits_are_kept(keys) -> None:
    circuits = key_of(keys[1]).circuits
    made = [circuits.of(batch) for batch in range(1, MAX_KEPT_CIRCUITS + 3)]
    assert circuits.of(MAX_KEPT_CIRCUITS + 2) is made[-1]
    assert circuits.of(1) is not made[0]
    assert len(circuits._made) == MAX_KEPT_CIRCUITS
    assert circuits.of(1).spent == made[0].spent
