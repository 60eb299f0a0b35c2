"""Stage 2: ONNX → integer graph, and the one exact semantics of its integers.

==============  ==========================================================================
module          holds
==============  ==========================================================================
``integer``     the ten operations
``graph``       the artefact: validated, one binary form
``run``         the reference run in numpy
``exact``       products in float64, where a static proof says that they are exact
``view``        index maps as copies of strided memory
``torch_run``   the same integers in torch
``build``       simplify, calibrate, lower; all unsupported nodes at once
``lower``       quantisation, and the table of operators
``builder``     nodes with static bounds
``operators``   one module per family
``prune``       drops what no output needs
``validate``    every rule of ``integer``
``fidelity``    how far the integers are from the float model
``locate``      the node with which they come to be off
``reference``   ONNX's own implementation of its operators
``float_run``   the float model, tensor by tensor
==============  ==========================================================================
"""

from verifai.graph.build import build
from verifai.graph.fidelity import Fidelity, fidelity
from verifai.graph.graph import IntegerGraph
from verifai.graph.locate import Place, locate
from verifai.graph.lower import Options
from verifai.graph.run import dequantise, quantise_inputs, run
from verifai.graph.torch_run import torch_run

__all__ = [
    "Fidelity",
    "IntegerGraph",
    "Options",
    "Place",
    "build",
    "dequantise",
    "fidelity",
    "locate",
    "quantise_inputs",
    "run",
    "torch_run",
]
