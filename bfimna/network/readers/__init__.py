"""Readers of other people's files: ONNX and QONNX, SCALE-Sim topologies, precisions."""
