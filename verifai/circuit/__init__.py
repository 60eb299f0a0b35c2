"""Stage 3: circuit, proving key and reference string; the native system's lowering.

==================  ===================================================================
module              holds
==================  ===================================================================
``visibility``      what a proof discloses
``artefact``        the circuit and the proving key as files
``core``            the Rust module ``verifai._native``, or one sentence on how to get it
``srs``             structured reference strings: read, check, make
``ceremony``        those of public ceremonies: fetched, cut, kept
``ceremony_files``  where their files lie, sizes and digests
``download``        a file over HTTP, resumed
``address``         web addresses, read strictly
``pace``            a download that hardly advances is ended
``plan``            what of an integer graph is lowered: fusions, outputs, dead nodes
``builder``         writing a table within the format's limits
``lower``           integer graph -> operation table
``layout``          which axes of a tensor stay unpadded, how long rows are
``lowered``         a graph as a table, and the steps that make its witness
``witness``         a run of the graph -> values of the committed tensors
``evaluate``        the virtual operations on exact integers
``satisfied``       which constraints a witness violates
``cost``            what a proof will cost
==================  ===================================================================
"""

from verifai.circuit.artefact import Circuit, ProvingKey
from verifai.circuit.srs import SRS
from verifai.circuit.visibility import Visibility

__all__ = ["SRS", "Circuit", "ProvingKey", "Visibility"]
