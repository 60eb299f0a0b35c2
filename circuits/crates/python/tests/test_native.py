"""The built module against the shared vectors.

Build it, copy it next to nothing as `_native.abi3.so`, and name its folder:

    cargo build --release -p verifai-python
    install -D target/release/lib_native.so /tmp/native/_native.abi3.so
    VERIFAI_NATIVE=/tmp/native python -m pytest circuits/crates/python/tests
"""

import importlib.util
import os
import threading
from pathlib import Path

import pytest

VECTORS = Path(__file__).parents[3] / "vectors"


@pytest.fixture(scope="session")
def native():
    folder = os.environ.get("VERIFAI_NATIVE")
    if folder is None:
        pytest.skip("VERIFAI_NATIVE does not name the folder of the built module")
    spec = importlib.util.spec_from_file_location("_native", next(Path(folder).glob("_native*.so")))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def lines():
    for line in (VECTORS / "bn254.txt").read_text().splitlines():
        op, data, expected = ("" if x == "-" else x for x in line.split())
        yield op, bytes.fromhex(data), expected


def test_precompiles(native):
    functions = {"add": native.bn254_add, "mul": native.bn254_mul, "pairing": native.bn254_pairing}
    for op, data, expected in lines():
        if expected == "fail":
            with pytest.raises(ValueError, match=r"operand|192"):
                functions[op](data)
        else:
            assert functions[op](data).hex() == expected


def test_keccak(native):
    digest = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert native.keccak256(b"").hex() == digest


def test_wrong_types(native):
    for bad in ("text", 5, None):
        with pytest.raises(TypeError):
            native.bn254_add(bad)


def test_build_info(native):
    info = native.build_info()
    assert info["version"].count(".") == 2
    assert info["threads"] >= 1
    assert isinstance(info["cpu_features"], list)
    assert info["debug"] is False


def test_lock_is_released(native):
    """Python goes on while the core works."""
    data = next(d for op, d, e in lines() if op == "pairing" and d and e != "fail")
    done = threading.Event()

    def work():
        native.bn254_pairing(data * 400)
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    ticks = 0
    while not done.wait(0.001):
        ticks += 1
    thread.join()
    assert ticks >= 2
