"""Events as they happen, through reorganisations and restarts.

===========  ====================================================================
``logs``     logs, and what makes records of them
``cursor``   how far a watch has come
``watch``    new events, and those that a reorganisation took back
===========  ====================================================================
"""
