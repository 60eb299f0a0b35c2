"""Stage 7: proofs on a chain, checked by a contract and recorded for everyone.

::

    chain   = verifai.chain.connect()            # a chain inside this process, nothing to install
    receipt = chain.publish(proof, vk)           # deploys or finds the contracts, checks, records
    receipt.gas_used, receipt.transaction_hash
    for record in chain.published():             # from the chain's history alone
        ...

``connect("http://127.0.0.1:8545")`` talks to any Ethereum node instead;
``connect(journal="chain.jsonl")`` keeps the embedded chain across processes.

===================  ======================================================================
module               holds
===================  ======================================================================
``connection``       :func:`connect`
``chain``            :class:`Chain`: publish, estimate, published, watch
``receipt``          :class:`Receipt`: a proof was accepted
``published``        :class:`Published`: a record, read back from events and calldata
``registry``         the ProofRegistry contract seen from Python
``abi``              the Contract ABI, strict
``watch``            events as they happen, through reorganisations
``cursor``           how far a watch has come
``logs``             logs, and what makes records of them
``sender``           transactions: estimated, signed once, written down
``delivery``         brought into a block that stays
``outbox``           the write-ahead record of what was signed
``terms``            how deep, how long, how dear
``fees``             wei per gas, with and without EIP-1559
``estimate``         what it would cost
``signed``           a signed transaction, read back
``signer``           who pays, and how keys stay out of sight
``contract``         a contract of somebody else's
``eas``              adapter: attestations (EAS)
``erc8004``          adapter: validation responses (ERC-8004)
``rpc``              a node by URL
``embedded``         the chain inside this process
``journal``          its memory between processes
``deployments``      which contract stands where
``faults``           one meaning per failure, whichever client reports it
``solidity``         compile a contract
``toolchain``        the compiler on this machine
``build``            ``python -m verifai.chain.build``: the shipped artefacts
``sources``          the sources of the contracts that build on OpenZeppelin
``interface``        a shipped contract by its names: calls, events, errors
``deploy``           the contract set, at the same addresses on every chain
``words``            a native statement's public words, as contracts take them
``native_registry``  the record of native proofs
``market``           the job market: order, bid, lease, prove, be paid
``jobs``             its terms, bids and states
``models``           whose a model is, and who shares in what it earns
``native``           compact tables, and native proofs as a connection publishes them
``precompiles``      BN254 for the embedded chain, native where the core is there
===================  ======================================================================

What the registry proves and what it does not is said in ``contracts/ProofRegistry.sol``: that a
verifier accepted is a fact, the digests beside it are claims that an audit settles. The contracts
around the universal verifier are specified in ``docs/specs/contracts.md``.
"""

from verifai.chain.chain import Chain
from verifai.chain.connection import connect
from verifai.chain.cursor import Cursor
from verifai.chain.logs import EventSource
from verifai.chain.published import Published
from verifai.chain.receipt import Receipt
from verifai.chain.signer import ExternalSigner
from verifai.chain.terms import Terms

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
