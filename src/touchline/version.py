"""Which Touchline this is: here, so that nobody need import the front door for it."""

__version__ = "0.1.0.dev0"
