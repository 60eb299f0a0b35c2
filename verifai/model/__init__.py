"""Stage 1: torch module -> ONNX, and ONNX files from strangers.

============  ==================================================================
module        holds
============  ==================================================================
``model``     the artefact: one ONNX file with its digest, inputs and outputs
``inputs``    arrays, tensors and lists -> checked arrays in the model's order
``export``    torch module -> model, compared with torch
``load``      bytes or file -> model, within named limits
``structure`` what a graph must obey before anything else looks at it
``external``  weight files beside a model: contained, regular, bounded
============  ==================================================================
"""

from verifai.model.export import export
from verifai.model.inputs import TensorInfo
from verifai.model.model import Model, Node, load

__all__ = ["Model", "Node", "TensorInfo", "export", "load"]
