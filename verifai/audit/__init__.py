"""Stage 9 of the route: everything that was published, checked again, in one report.

==============  ==================================================================
module          holds
==============  ==================================================================
``policy``      what an auditor demands beyond validity
``run``         enumerate, rebuild, verify, apply the policy
``report``      the verdict as data, and its exit code
``html``        the same on one self-contained page
``charts``      inline SVG: an input that is an image, outputs, gas
==============  ==================================================================

Imports no prover: bundles, keys and events are all it is made of.
"""

from verifai.audit.policy import Policy
from verifai.audit.report import Entry, Report
from verifai.audit.run import run

__all__ = ["Entry", "Policy", "Report", "run"]
