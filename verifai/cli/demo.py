"""``verifai demo``: the whole route on real images, from training to audit."""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from verifai.cli.output import Output
from verifai.errors import ChainRejectedError, InternalError, UsageError, VerificationError

_MARKER: Final = ".verifai-demo"
_EPOCHS: Final = 40
#: Images in the batched proof.
_BATCH: Final = 64


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", default="demo-output", metavar="FOLDER", help="for all files")
    parser.add_argument("--image", type=int, default=0, help="which held-out image to classify")
    parser.add_argument("--no-chain", action="store_true", help="stop before the part on chain")


def run(arguments: argparse.Namespace, output: Output) -> None:
    import verifai
    from verifai.extras import require

    torch = require("torch", "torch", "the demo")
    require("sklearn", "demo", "the demo")
    if not arguments.no_chain:
        require("web3", "demo", "the demo's part on chain")
    folder = _fresh(Path(arguments.out))
    started = time.monotonic()

    def step(text: str) -> None:
        output.say(f"[{time.monotonic() - started:6.1f} s] {text}")

    images, labels, held_out, held_labels = _digits()
    if not 0 <= arguments.image < len(held_out):
        raise UsageError(f"--image is 0 to {len(held_out) - 1}.")
    step(f"1. training a CNN on {len(images)} handwritten digits")
    module = _train(images, labels)
    guesses = module(torch.from_numpy(held_out)).argmax(1).numpy()
    accuracy = float((guesses == held_labels).mean())
    step(f"   {100 * accuracy:.1f} % of {len(held_out)} held-out digits are right")

    example = held_out[:1]
    model = verifai.export(module, (torch.from_numpy(example),), name="digits")
    model.save(folder / "model.onnx")
    step(f"2. exported: {model!r}")

    circuit = verifai.compile(model, images[:64])
    circuit.save(folder / "circuit.vfc")
    step(f"3. compiled: {circuit!r}")

    pk, vk = verifai.setup(circuit)
    pk.save(folder / "proving.vfp")
    vk.save(folder / "verifying.vfk")
    step(f"4. keys: {vk!r}")

    image = held_out[arguments.image : arguments.image + 1]
    output.say(_picture(image[0, 0]))
    before = time.monotonic()
    proof = verifai.prove(pk, image)
    seconds = time.monotonic() - before
    proof.save(folder / "proof.vfb")
    step(f"5. proved in {seconds:.2f} s: {proof!r}")

    statement = verifai.verify(proof, vk)
    answer = int(statement.output.values.argmax())
    step(f"6. verified offline: this image is a {answer} (label {held_labels[arguments.image]})")

    before = time.monotonic()
    batch = verifai.prove(pk, held_out[:_BATCH], batch=True)
    each = (time.monotonic() - before) / _BATCH
    answers = verifai.verify(batch, vk).output.values.reshape(_BATCH, -1).argmax(1)
    right = int((answers == held_labels[:_BATCH]).sum())
    step(
        f"7. {_BATCH} images in one proof of {len(batch.argument):,} bytes, {1000 * each:.0f} ms "
        f"each: {right} of them right"
    )
    # a lying statement, refused as edited, and as re-sealed with fresh digests
    refusals = [_refusal(partial(verifai.verify, lie, vk)) for lie in _lies(proof)]
    for refusal in refusals:
        step(f"8. refused: {refusal}")
    result: dict[str, Any] = {
        "digit": answer,
        "label": int(held_labels[arguments.image]),
        "accuracy": accuracy,
        "prove_seconds": seconds,
        "batch": _BATCH,
        "batch_seconds_each": each,
        "proof_bytes": len(proof.argument),
        "zero_knowledge": statement.guarantees.zero_knowledge,
        "refusals": refusals,
    }
    paths = [str(folder / "proof.vfb")]
    if not arguments.no_chain:
        step("9. on chain: one contract for all models checks the proof and the batch")
        result |= _on_chain(folder, vk, proof, batch, step)
        paths += result["files"]
    output.say("\nFiles:")
    for path in paths:
        output.say(f"  {path}")
    output.say(f"\nNext:\n  verifai verify {folder}/proof.vfb --key {folder}/verifying.vfk")
    if not arguments.no_chain:
        output.say(
            f"  verifai audit --journal {folder}/chain.journal --keys {folder}/keys --out my-audit"
        )
    output.say("  examples/01_prove_one_inference.py: the same with a model of your own")
    output.result(result | {"files": paths})


def _on_chain(folder: Path, vk: Any, proof: Any, batch: Any, step: Any) -> dict[str, Any]:
    """Publish on the embedded chain, have a lie refused there, audit."""
    import verifai

    with verifai.chain.connect(journal=folder / "chain.journal") as chain:
        keys = verifai.KeyStore(folder / "keys")
        receipt = chain.publish(proof, vk, keys=keys)
        receipt.save(folder / "receipt.json")
        step(f"   accepted: {receipt.gas_used:,} gas, {receipt.transaction_hash[:18]}...")
        many = chain.publish(batch, vk, keys=keys)
        step(f"   accepted: {_BATCH} images for {many.gas_used // _BATCH:,} gas each")
        _, sealed = _lies(proof)
        refusal = _refusal(lambda: chain.publish(sealed, vk, check=False, keys=keys))
        step(f"   refused: {refusal}")
        report = verifai.audit.run(chain, keys=keys)
    files = [str(path) for path in report.save(folder / "audit")]
    step(f"10. audited: {report!r}")
    return {
        "receipt": receipt.to_json(),
        "batch_gas_each": many.gas_used // _BATCH,
        "chain_refusal": refusal,
        "report": report.to_json(),
        "files": files,
    }


def _fresh(folder: Path) -> Path:
    """An empty folder; one that an earlier demo made is emptied, any other is left alone."""
    if folder.exists():
        if not (folder / _MARKER).is_file():
            raise UsageError(f"{folder} exists and is not a demo's folder.", hint="--out another")
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / _MARKER).touch()
    return folder


def _digits() -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """scikit-learn's 1,797 scans of handwritten digits (UCI), 8x8, in [0, 1]; a fifth held out."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    data = load_digits()
    images = (data.images / 16.0).astype(np.float32)[:, None]
    train, test, train_labels, test_labels = train_test_split(
        images, data.target, test_size=0.2, random_state=0, stratify=data.target
    )
    return train, train_labels, test, test_labels


def _train(images: NDArray[Any], labels: NDArray[Any]) -> Any:
    import torch
    from torch import nn

    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(8 * 4 * 4, 10),
    )
    inputs, targets = torch.from_numpy(images), torch.from_numpy(labels)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
    for _ in range(_EPOCHS):
        for chunk in torch.randperm(len(inputs)).split(64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(module(inputs[chunk]), targets[chunk]).backward()
            optimizer.step()
    return module.eval()


def _lies(proof: Any) -> tuple[Any, Any]:
    """The proof with another output: as edited, and re-sealed."""
    claim = proof.statement.output
    integers = list(claim.integers)
    integers[0] += 1
    lie = replace(proof.statement, outputs=(replace(claim, integers=tuple(integers)),))
    return replace(proof, statement=lie), type(proof).of(lie, proof.argument)


def _refusal(attempt: Callable[[], Any]) -> str:
    try:
        attempt()
    except (VerificationError, ChainRejectedError) as error:
        return f"check {error.check} ({error.check_name}): {error.message}"
    raise InternalError("A tampered output was accepted.")


def _picture(image: NDArray[Any]) -> str:
    """The digit in half blocks, two pixel rows a line."""
    shades = " ░▒▓█"
    rows = [
        "".join(2 * shades[min(4, int(value * 4.999))] for value in row) for row in image.tolist()
    ]
    return "\n".join("           " + row for row in rows)
