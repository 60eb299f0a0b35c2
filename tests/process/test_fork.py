"""Children that are forked after the parent has proved have threads, locks and files of their own.

A hang is what these tests are about, so nothing here waits without an end.
"""

from __future__ import annotations

import contextlib
import http.server
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import verifai
from tests.process.conftest import Keys, inputs, network
from verifai.backends.ezkl import prover as ezkl_prover
from verifai.circuit.core import core
from verifai.circuit.per_key import PerKey
from verifai.evm.node.journal import Block, Journal
from verifai.evm.node.rpc import _session_class

#: Long enough for any child on a busy machine, and the end of one that hangs.
SECONDS = 60
CHILDREN = 50

_keys: list[Keys] = []


@pytest.fixture(autouse=True)
def _used(keys: Keys) -> None:
    """The parent has used the core; its children find the keys in their memory."""
    verifai.prove(keys.pk, inputs())
    _keys[:] = [keys]


def _prove(index: int) -> verifai.Proof:
    """A proof that has passed the core's verifier, as all proofs have."""
    return verifai.prove(_keys[0].pk, inputs(), context={"child": index})


def in_child(work: Callable[[], Any]) -> None:
    """Run ``work`` in a bare fork: no exception there, and an end in time."""
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends even what never returns to Python
            signal.alarm(SECONDS)
            work()
            os._exit(0)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_fifty_forked_children_prove_and_none_hangs(keys: Keys):
    with multiprocessing.get_context("fork").Pool(2, maxtasksperchild=1) as pool:
        proofs = pool.map_async(_prove, range(CHILDREN), chunksize=1).get(timeout=2 * SECONDS)
    assert len({proof.digest for proof in proofs}) == CHILDREN
    last = CHILDREN - 1
    assert verifai.verify(proofs[last], keys.vk, context={"child": last})


def test_every_verb_in_a_bare_fork(keys: Keys):
    def work() -> None:
        pk, vk = verifai.setup(keys.circuit)
        registration = verifai.prove_weights(pk)
        proof = verifai.prove(pk, inputs(3), batch=True)
        statement = verifai.verify(proof, vk, registration=registration)
        assert statement.output.shape[0] == 3
        assert verifai.prove(verifai.ProvingKey.load(keys.pk_path), inputs())

    in_child(work)


def test_a_child_of_a_child_proves():
    in_child(lambda: (_prove(0), in_child(lambda: _prove(1))))


def test_children_prove_while_the_parents_threads_do():
    """The fork copies whatever state those threads had their locks and pools in."""
    end = threading.Event()

    def busy() -> None:
        while not end.is_set():
            _prove(0)

    with ThreadPoolExecutor(2) as threads:
        running = [threads.submit(busy) for _ in range(2)]
        try:
            for _ in range(5):
                in_child(lambda: _prove(1))
        finally:
            end.set()
        for one in running:
            one.result(SECONDS)


def _core_calls(keys: Keys, folder: Path) -> dict[str, Callable[[], Any]]:
    """A call of everything that the native module offers; refusals are as good as results."""
    native = core()
    srs = native.Srs.development(16)
    strings = folder / "no.ptau"
    strings.write_bytes(b"ptau")
    return {
        "bn254_add": lambda: native.bn254_add(b""),
        "bn254_mul": lambda: native.bn254_mul(b""),
        "bn254_pairing": lambda: native.bn254_pairing(_PAIRS),
        "keccak256": lambda: native.keccak256(b"abc"),
        "build_info": native.build_info,
        "Srs.development": lambda: native.Srs.development(1 << 8),
        "Srs.load": lambda: native.Srs.load(str(strings), 16),
        "Srs.read": lambda: native.Srs.read(b"ptau", 16),
        "Srs.from_points": lambda: native.Srs.from_points(srs.to_points(16)),
        "Srs.to_points": lambda: srs.to_points(16),
        "Srs.commit": lambda: srs.commit(bytes(8 * 16), bytes(32)),
        "Srs.powers": lambda: srs.powers,
        "Srs.id": lambda: srs.id,
        "Srs.tau_g2": lambda: srs.tau_g2,
    }


#: Not called below but by the verbs above, which need their long arguments.
_OF_THE_VERBS = ("Prover", "native_verify", "native_key_digest", "native_proof_bytes")
#: e(0, H) e(0, H): two pairs, so that more than one thread could be wanted.
_PAIRS = bytes(2 * 192)


def test_everything_that_the_core_offers_works_in_a_child(keys: Keys, tmp_path: Path):
    native = core()
    calls = _core_calls(keys, tmp_path)
    offered = {name for name in dir(native) if not name.startswith("_")} - set(_OF_THE_VERBS)
    offered |= {f"Srs.{name}" for name in dir(native.Srs) if not name.startswith("_")}
    assert offered - {"Srs"} == set(calls)
    for call in calls.values():
        with contextlib.suppress(ValueError):
            call()

    def work() -> None:
        for call in calls.values():
            with contextlib.suppress(ValueError):
                call()

    in_child(work)


def test_a_child_finds_no_lock_of_another_thread(keys: Keys):
    """One thread makes a key's value when the fork comes: its lock is nobody's in the child."""
    begun, end = threading.Event(), threading.Event()

    def slow(key: verifai.ProvingKey) -> int:
        if threading.current_thread() is not threading.main_thread():
            begun.set()
            end.wait(SECONDS)
        return os.getpid()

    values = PerKey(slow, inherited=True)
    thread = threading.Thread(target=values.of, args=(keys.pk,))
    thread.start()
    try:
        assert begun.wait(SECONDS)
        in_child(lambda: values.of(keys.pk))
    finally:
        end.set()
        thread.join()
    mine = values.of(keys.pk)
    in_child(lambda: _equal(values.of(keys.pk), mine))


def _equal(found: Any, wanted: Any) -> None:
    assert found == wanted


def test_a_childs_end_leaves_the_files_of_its_parent(keys: Keys):
    folder = ezkl_prover._laid_out.of(keys.pk)

    def work() -> None:
        own = ezkl_prover._laid_out.of(keys.pk)
        assert own != folder
        ezkl_prover._remove(folder, os.getppid())  # what the inherited finaliser calls
        assert (own / "pk.key").read_bytes() == bytes(keys.pk.material)
        ezkl_prover._remove(own, os.getpid())
        assert not own.exists()

    in_child(work)
    assert (folder / "pk.key").is_file()


def test_a_forked_child_does_not_write_its_parents_journal(tmp_path: Path):
    journal = Journal(tmp_path / "chain.journal")
    before = journal.path.read_bytes()

    def work() -> None:
        with pytest.raises(verifai.UsageError, match="another process"):
            journal.append(Block("0" * 64, 1, ()))

    in_child(work)
    assert journal.path.read_bytes() == before
    journal.append(Block("0" * 64, 1, ()))
    journal.close()


@pytest.fixture
def node() -> Iterator[str]:
    """A server that answers with the port that it is asked from: it names the connection."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            text = str(self.client_address[1]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *words: Any) -> None:
            return None

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_child_speaks_with_a_node_over_a_connection_of_its_own(node: str):
    pytest.importorskip("web3")
    session = _session_class()()
    session.trust_env = False
    mine = session.get(node).text
    assert session.get(node).text == mine

    def work() -> None:
        own = session.get(node).text
        assert own != mine
        assert session.get(node).text == own

    in_child(work)
    assert session.get(node).text == mine
    session.close()


def test_a_model_is_exported_and_compiled_in_a_child():
    """torch's threads do not survive a fork either, and its parent has used them here."""
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.Flatten())
    batch = torch.rand(8, 1, 16, 16)
    threads = torch.get_num_threads()

    def work() -> None:
        model = verifai.export(module, (batch[:1],))
        circuit = verifai.compile(model, batch.numpy())
        assert circuit.digest == wanted

    wanted = verifai.compile(verifai.export(module, (batch[:1],)), batch.numpy()).digest
    torch.nn.functional.conv2d(torch.rand(8, 16, 64, 64), torch.rand(16, 16, 3, 3)).relu()
    in_child(work)
    assert torch.get_num_threads() == threads


def test_a_model_that_the_parent_has_run_is_compiled_in_a_child(keys: Keys):
    model = network()
    model.run(inputs().astype("float32"))
    in_child(
        lambda: verifai.compile(
            model, inputs(64), options=verifai.NativeOptions(zero_knowledge=False)
        )
    )
