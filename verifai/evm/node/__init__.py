"""A node: by URL, or inside this process.

===============  ================================================================
``rpc``          any Ethereum node, over HTTP
``embedded``     py-evm, in this process
``precompiles``  BN254 for it, native where the core is there
``journal``      its memory between processes
``faults``       one meaning per failure, whichever client reports it
===============  ================================================================
"""
