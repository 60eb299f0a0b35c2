"""The contracts: Solidity, artefacts that a build reproduces, and the toolchain. Knows no node.

==============  =================================================================
``src``         Solidity sources, each beside its artefact
``toolchain``   the compiler on this machine
``solidity``    compile a contract
``sources``     the sources of those that build on OpenZeppelin
``build``       ``python -m verifai.contracts.build``: make the artefacts
==============  =================================================================
"""
