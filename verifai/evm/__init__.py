"""An Ethereum chain as any program needs it: node, transactions, logs, contracts. Knows no proofs.

================  =====================================================================
room or module    holds
================  =====================================================================
``node``          a node by URL, or inside this process; one meaning per failure
``transactions``  estimated, signed once, written down, delivered
``logs``          which events of which contracts
``history``       a contract's whole history, or an error
``abi``           the Contract ABI, strict
``interface``     a contract by its names: calls, events, errors
``given``         arguments of callers, looked at before a client library does
================  =====================================================================
"""
