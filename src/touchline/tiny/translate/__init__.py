"""Operators of .tflite files → operators of the graph."""
