"""Transactions: what they would cost, who signs them, how they get into a block that stays.

==============  =================================================================
``estimate``    what one would cost
``simulation``  several, one after the other, before anything stands
``signer``      who pays, and how keys stay out of sight
``signed``      a signed transaction, read back
``sender``      estimated, signed once, written down
``outbox``      the write-ahead record of what was signed
``delivery``    brought into a block that stays
``terms``       how deep, how long, how dear
``fees``        wei per gas, with and without EIP-1559
==============  =================================================================
"""
