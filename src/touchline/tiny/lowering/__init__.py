"""Operators → calls of kernels, a file for each kind of operator; `touchline.tiny.lower` chooses."""
