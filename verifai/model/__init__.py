"""Stage 1: torch module -> ONNX, and ONNX files from strangers.

=============  =================================================================
module         holds
=============  =================================================================
``model``      the artefact: one ONNX file with its digest, inputs and outputs
``inputs``     arrays, tensors and lists -> checked arrays in the model's order
``export``     torch module -> model, compared with torch
``session``    onnxruntime, on one thread
``nodes``      ONNX nodes as Python values
``quiet``      loggers that say nothing for a while
``load``       bytes or file -> model, within named limits
``structure``  what a graph must obey before anything else looks at it
``external``   weight files beside a model: contained, regular, bounded
``functions``  local functions, written out
``shapes``     lengths that a file leaves open, and what they are fixed to
``outputs``    the real shapes of outputs, whatever a file says
``precision``  float types that onnxruntime does not compute with
``sparse``     sparse weights, made dense
``dead``       what no output needs
``outline``    a model without its large weights
=============  =================================================================
"""

from verifai.model.export import export
from verifai.model.inputs import TensorInfo
from verifai.model.model import Model, load
from verifai.model.nodes import OnnxNode

__all__ = ["Model", "OnnxNode", "TensorInfo", "export", "load"]
