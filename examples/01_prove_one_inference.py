"""Prove one inference of a model of your own, check it, and see a lie being refused.

Run: python examples/01_prove_one_inference.py
"""

from dataclasses import replace

import torch

import verifai


class TwoLayers(torch.nn.Module):
    """Four measurements in, two scores out."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = torch.nn.Linear(4, 8)
        self.scores = torch.nn.Linear(8, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.scores(torch.relu(self.hidden(x)))


def main() -> None:
    torch.manual_seed(0)
    module, typical = TwoLayers(), torch.rand(8, 1, 4)

    model = verifai.export(module, (typical[0],))
    circuit = verifai.compile(model, calibration=typical)
    proving_key, verifying_key = verifai.setup(circuit)

    proof = verifai.prove(proving_key, typical[0])
    statement = verifai.verify(proof, verifying_key)
    print("\n".join(statement.sentences()))
    print("proved:", statement.output.values, " torch:", module(typical[0]).detach().numpy())

    # A better score for the same input, sealed with fresh digests: the proof does not show it.
    claim = statement.output
    better = replace(claim, integers=(claim.integers[0] + 1, *claim.integers[1:]))
    forged = verifai.Proof.of(replace(statement, outputs=(better,)), proof.argument)
    try:
        verifai.verify(forged, verifying_key)
    except verifai.VerificationError as error:
        print("refused:", error)
    else:
        raise SystemExit("a forged output was accepted")


if __name__ == "__main__":
    main()
