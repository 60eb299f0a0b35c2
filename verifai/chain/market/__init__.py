"""The job market and the models that it pays: clients of both contracts.

==========  =====================================================================
``market``  order, bid, lease, prove, be paid
``jobs``    terms, bids and states
``models``  whose a model is, and who shares in what it earns
==========  =====================================================================
"""

from verifai.chain.market.market import Market
from verifai.chain.market.models import Models, Role, Share

__all__ = ["Market", "Models", "Role", "Share"]
