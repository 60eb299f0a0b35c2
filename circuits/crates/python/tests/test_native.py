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


@pytest.fixture(scope="session")
def ezkl_srs(tmp_path_factory):
    ezkl = pytest.importorskip("ezkl")
    path = tmp_path_factory.mktemp("srs") / "k8.srs"
    ezkl.gen_srs(str(path), 8)
    return path


def test_srs_of_ezkl(native, ezkl_srs):
    srs = native.Srs.load(ezkl_srs, 1 << 20)
    assert srs.powers == 256
    few = native.Srs.load(str(ezkl_srs), 10)
    assert few.powers == 10
    assert few.id == srs.id != native.Srs.development(10).id
    tau_g1 = srs.to_points(2)[64:128]
    # the same tau on both sides, by the precompile
    q = 21888242871839275222246405745257275088696311157297823662689037894645226208583
    g1 = (1).to_bytes(32, "big") + (q - 2).to_bytes(32, "big")
    g2 = bytes.fromhex(
        "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"
        "1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
        "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"
        "12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"
    )
    one = native.bn254_pairing(tau_g1 + g2 + g1 + srs.tau_g2)
    assert one == (1).to_bytes(32, "big")


def test_srs_refused(native, ezkl_srs, tmp_path):
    data = bytearray(ezkl_srs.read_bytes())
    bad = tmp_path / "bad.srs"
    for at in (0, 4, 1000, 64 * 256, len(data) - 1):
        data[at] ^= 1
        bad.write_bytes(data)
        with pytest.raises(ValueError, match=r"point|powers|bytes|generator"):
            native.Srs.load(bad, 1 << 20)
        data[at] ^= 1
    bad.write_bytes(data[:-1])
    with pytest.raises(ValueError, match="expected"):
        native.Srs.load(bad, 1 << 20)
    with pytest.raises(ValueError, match="cannot be read"):
        native.Srs.load(tmp_path / "missing.srs", 1 << 20)
