"""Contracts as bytes and names: the shipped artefacts, and how they are made.

==============  =================================================================
``abi``         the Contract ABI, strict
``interface``   a shipped contract by its names: calls, events, errors
``toolchain``   the compiler on this machine
``solidity``    compile a contract
``sources``     the sources of those that build on OpenZeppelin
``build``       ``python -m verifai.chain.artefacts.build``: make the artefacts
==============  =================================================================
"""
