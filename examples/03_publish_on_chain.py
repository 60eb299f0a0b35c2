"""Publish a proof on a chain inside this process, find it there again, and audit it.

One contract checks the proofs of all models: pip install 'verifai[torch,chain]'.

Run: python examples/03_publish_on_chain.py
"""

import torch

import verifai


def main() -> None:
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
    typical = torch.rand(8, 1, 4)

    model = verifai.export(module, (typical[0],))
    circuit = verifai.compile(model, calibration=typical)
    proving_key, verifying_key = verifai.setup(circuit)
    proof = verifai.prove(proving_key, typical[0])

    with verifai.chain.connect() as chain:  # connect("http://127.0.0.1:8545") talks to a node
        receipt = chain.publish(proof, verifying_key)
        print(f"accepted by a contract: {receipt.gas_used:,} gas, {receipt.transaction_hash}")
        for record in chain.published():  # from the chain's history alone
            print("found:", record)
        report = verifai.audit.run(chain)
    print(report)


if __name__ == "__main__":
    main()
