"""Contracts of others, at addresses that the user names.

============  ===================================================================
``others``    a contract of somebody else's
``eas``       attestations (Ethereum Attestation Service)
``erc8004``   validation responses (ERC-8004)
============  ===================================================================
"""
