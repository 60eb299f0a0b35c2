"""Prove 64 classifications of handwritten digits in one proof, and see what each one costs.

Run: python examples/02_prove_a_batch.py
"""

import time

import numpy as np
import torch
from sklearn.datasets import load_digits

import verifai

BATCH = 64


def trained(images: torch.Tensor, labels: torch.Tensor) -> torch.nn.Module:
    """A small CNN after a few epochs."""
    module = torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 3, stride=2, padding=1),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        torch.nn.Linear(8 * 4 * 4, 10),
    )
    optimiser = torch.optim.Adam(module.parameters(), lr=0.01)
    for _ in range(10):
        for chosen in torch.randperm(len(images)).split(64):
            loss = torch.nn.functional.cross_entropy(module(images[chosen]), labels[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return module.eval()


def main() -> None:
    torch.manual_seed(0)
    data = load_digits()
    images = (data.images / 16.0).astype(np.float32)[:, None, None]  # [N, 1, 1, 8, 8]
    seen, unseen = images[:-BATCH], images[-BATCH:]
    module = trained(torch.from_numpy(seen[:, 0]), torch.from_numpy(data.target[:-BATCH]))

    model = verifai.export(module, (torch.from_numpy(seen[0]),))
    circuit = verifai.compile(model, calibration=seen[:64])
    proving_key, verifying_key = verifai.setup(circuit)

    verifai.prove(proving_key, unseen[0])  # tables that all later proofs share are made here
    for inputs, count in ((unseen[0], 1), (unseen, BATCH)):
        started = time.perf_counter()
        proof = verifai.prove(proving_key, inputs, batch=count > 1)
        seconds = time.perf_counter() - started
        size = len(proof.argument)
        print(
            f"{count:3} in one proof: {1000 * seconds / count:6.1f} ms and {size / count:6.0f} "
            f"bytes per inference ({seconds:.2f} s, {size:,} bytes)"
        )

    # One statement about all of them: the tensors have the batch as their first axis.
    started = time.perf_counter()
    statement = verifai.verify(proof, verifying_key)
    print(f"verified in {time.perf_counter() - started:.1f} s: input {statement.input.shape}")
    answers = statement.output.values.reshape(BATCH, -1).argmax(1)
    print(f"{int((answers == data.target[-BATCH:]).sum())} of {BATCH} digits are right")


if __name__ == "__main__":
    main()
