"""An Ethereum chain as any program needs it: node, transactions, logs, contracts. Knows no proofs.

================  =====================================================================
room or module    holds
================  =====================================================================
``node``          a node by URL, or inside this process; one meaning per failure
``transactions``  estimated, signed once, written down, delivered
``logs``          which events of which contracts
``history``       a contract's whole history, or an error
``abi``           the Contract ABI, strict
``interface``     what can be said to a contract: calls, events, errors by their names
``contract``      a contract at an address, called and sent to
``create2``       addresses that follow from code
``arguments``     arguments of callers, looked at before a client library does
================  =====================================================================
"""
