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
``connection``    :func:`connect`
``chain``         :class:`Chain`: publish, estimate, published, watch
``receipt``       :class:`Receipt`: a proof was accepted
``published``     :class:`Published`: a record, read back from events and calldata
``registry``      the ProofRegistry contract, of ezkl's proofs, seen from Python
``deploy``        the contract set, at the same addresses on every chain
``deployments``   which contract stands where
``node``          a node by URL, or inside this process
``transactions``  estimated, signed once, written down, delivered
``events``        as they happen, through reorganisations
``native``        native proofs: compact tables, the verifier, its registry, publication
``market``        the job market and the models that it pays
``standards``     adapters: EAS, ERC-8004
``artefacts``     the shipped contracts as bytes and names; how they are made
``contracts``     their sources and artefacts
================  =========================================================================

What the registry proves and what it does not is said in ``contracts/ProofRegistry.sol``: that a
verifier accepted is a fact, the digests beside it are claims that an audit settles. The contracts
around the universal verifier are specified in ``docs/specs/contracts.md``.
"""

from verifai.chain.chain import Chain
from verifai.chain.connection import connect
from verifai.chain.cursor import Cursor
from verifai.chain.published import Published
from verifai.chain.receipt import Receipt
from verifai.evm.logs import EventSource
from verifai.evm.transactions.signer import ExternalSigner
from verifai.evm.transactions.terms import Terms

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
