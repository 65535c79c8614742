"""Frames to who is where."""
