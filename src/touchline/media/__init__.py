"""Bytes to packets to frames, and back."""
