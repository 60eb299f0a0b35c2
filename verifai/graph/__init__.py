"""Stage 2: ONNX → integer graph."""
