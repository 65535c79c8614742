"""Networks, each one file."""
