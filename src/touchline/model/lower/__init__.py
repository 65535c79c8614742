"""A traced network → a file that a device runs: one file per target."""
