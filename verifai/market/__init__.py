"""The job market and the models that it pays: clients of both contracts.

===========  =====================================================================
``market``   order, bid, lease, prove, be paid
``jobs``     terms, bids and states
``order``    whether a job can be fulfilled, before it is accepted
``history``  completed jobs and their proofs, from the chain's history
``genuine``  whether a market is the shipped one
``models``   whose a model is, and who shares in what it earns
===========  =====================================================================
"""

from verifai.market.history import Fulfilment
from verifai.market.jobs import Bid, DeclineReason, Job, JobState, JobTerms
from verifai.market.market import Market, Stake
from verifai.market.models import Models, Role, Share
from verifai.market.order import input_words

__all__ = [
    "Bid",
    "DeclineReason",
    "Fulfilment",
    "Job",
    "JobState",
    "JobTerms",
    "Market",
    "Models",
    "Role",
    "Share",
    "Stake",
    "input_words",
]
