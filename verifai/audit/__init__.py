"""Stage 9 of the route: everything that was published, checked again, in one report.

==============  ==================================================================
module          holds
==============  ==================================================================
``policy``      what an auditor demands beyond validity
``collect``     what is asked of a chain and of a key store
``run``         the audit, and the list of its numbered checks
``examine``     those checks on one record
``entry``       the verdict on one published proof
``summary``     the verdict on all of them, and its exit code
``report``      the same as files
``html``        the report on one self-contained page
``sections``    one proof on that page
``charts``      pictures: an input that is an image, outputs, gas
``printable``   a stranger's statement in sentences, made safe to show
==============  ==================================================================

Imports no prover: bundles, keys and events are all it is made of.
"""

from verifai.audit.collect import AuditedChain
from verifai.audit.entry import Entry
from verifai.audit.policy import Policy
from verifai.audit.report import Report
from verifai.audit.run import run
from verifai.audit.summary import Problem

__all__ = ["AuditedChain", "Entry", "Policy", "Problem", "Report", "run"]
