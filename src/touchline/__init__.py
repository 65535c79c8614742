"""Touchline: the model next to the camera."""

__version__ = "0.1.0.dev0"
