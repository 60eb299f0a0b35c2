"""Stage 7: proofs on a chain, checked by a contract and recorded for everyone.

::

    chain   = verifai.chain.connect()            # a chain inside this process, nothing to install
    receipt = chain.publish(proof, vk)           # deploys or finds the contracts, checks, records
    receipt.gas_used, receipt.transaction_hash
    for record in chain.published():             # from the chain's history alone
        ...

``connect("http://127.0.0.1:8545")`` talks to any Ethereum node instead;
``connect(journal="chain.jsonl")`` keeps the embedded chain across processes.

================  =========================================================================
room or module    holds
================  =========================================================================
``connect``       :func:`connect`
``chain``         :class:`Chain`: publish, estimate, published, watch
``connection``    :class:`Connection`: who sends where, and what is known to stand there
``publisher``     what publishes proofs of one kind; ``publishers``: which there are
``native``        native proofs: one verifier contract for all circuits
``generated``     ezkl's proofs: a verifier contract for each key
``registry``      a registry read from events and calldata: its records
``receipt``       :class:`Receipt`: a proof was accepted
``verdict``       what a contract's refusal means
``deploy``        the contract set, at the same addresses on every chain
``deployments``   which contract stands where
``requirements``  what the contracts need of a chain
``watch``         events as they happen, through reorganisations; ``cursor`` says how far
``standards``     adapters: EAS, ERC-8004
================  =========================================================================

What the registry proves and what it does not is said in ``contracts/ProofRegistry.sol``: that a
verifier accepted is a fact, the digests beside it are claims that an audit settles. The contracts
around the universal verifier are specified in ``docs/specs/contracts.md``.
"""

from verifai.chain.chain import Chain
from verifai.chain.connect import connect
from verifai.chain.cursor import Cursor
from verifai.chain.receipt import Receipt
from verifai.evm.logs import EventSource
from verifai.evm.transactions.signer import ExternalSigner
from verifai.evm.transactions.terms import Terms
from verifai.proof.published import Published

__all__ = [
    "Chain",
    "Cursor",
    "EventSource",
    "ExternalSigner",
    "Published",
    "Receipt",
    "Terms",
    "connect",
]
