"""The model road. Needs the `train` extra where it touches torch."""
