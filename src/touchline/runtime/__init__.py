"""Models on this device: one match on the artifact's target, one file per back end."""
