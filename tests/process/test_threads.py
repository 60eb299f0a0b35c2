"""Several proofs at once in one process, and in processes that were started afresh."""

from __future__ import annotations

import asyncio
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

import verifai
from tests.process.conftest import Keys, inputs
from verifai.backends.native import keys as native_keys

SECONDS = 120


def _prove(pk: verifai.ProvingKey, index: int) -> verifai.Proof:
    return verifai.prove(pk, inputs(), context={"index": index})


def test_threads_that_race_for_a_key_load_it_once(keys: Keys, monkeypatch: pytest.MonkeyPatch):
    made = []
    prover = native_keys._prover
    monkeypatch.setattr(native_keys, "_prover", lambda *given: made.append(1) or prover(*given))
    pk = verifai.ProvingKey.load(keys.pk_path)
    with ThreadPoolExecutor(4) as threads:
        proofs = list(threads.map(_prove, [pk] * 4, range(4), timeout=SECONDS))
    assert len(made) == 1
    for index, proof in enumerate(proofs):
        verifai.verify(proof, keys.vk, context={"index": index})


def test_a_load_that_fails_in_one_thread_fails_in_all(keys: Keys):
    broken = verifai.ProvingKey(keys.circuit, keys.vk, b"no points", keys.pk.material)

    def refused(index: int) -> str:
        with pytest.raises(verifai.MalformedError) as error:
            _prove(broken, index)
        return error.value.message

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(refused, range(4), timeout=SECONDS))) == 1


def test_proofs_in_an_event_loop(keys: Keys):
    async def main() -> list[verifai.Proof]:
        proofs = [asyncio.to_thread(_prove, keys.pk, index) for index in range(2)]
        return await asyncio.wait_for(asyncio.gather(*proofs), SECONDS)

    for index, proof in enumerate(asyncio.run(main())):
        verifai.verify(proof, keys.vk, context={"index": index})


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_processes_that_are_started_afresh(keys: Keys, method: str):
    """The key travels to them in a pickle, whether it is fresh or a view of a file."""
    context = multiprocessing.get_context(method)
    loaded = verifai.ProvingKey.load(keys.pk_path)
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        running = [pool.submit(_prove, pk, 7) for pk in (keys.pk, loaded)]
        proofs = [one.result(SECONDS) for one in running]
    for proof in proofs:
        verifai.verify(proof, keys.vk, context={"index": 7})


def _refuse(pk: verifai.ProvingKey) -> None:
    verifai.prove(pk, inputs() * 1e6)


def test_an_error_crosses_to_the_process_that_waits(keys: Keys):
    with multiprocessing.get_context("fork").Pool(1) as pool:
        refused = pool.apply_async(_refuse, (keys.pk,))
        with pytest.raises(verifai.InputError) as error:
            refused.get(SECONDS)
    assert error.value.details["input"] == "x"
    assert error.value.hint.startswith("Calibrate with inputs like this one")
