"""Stage 3: circuit, proving key and reference string.

==============  ================================================
module          holds
==============  ================================================
``visibility``  what a proof discloses
``artefact``    the circuit and the proving key as files
``srs``         structured reference strings: read, check, make
==============  ================================================
"""

from verifai.circuit.artefact import Circuit, ProvingKey
from verifai.circuit.srs import SRS
from verifai.circuit.visibility import Visibility

__all__ = ["SRS", "Circuit", "ProvingKey", "Visibility"]
