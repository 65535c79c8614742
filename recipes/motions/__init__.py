"""Motion as a wrist feels it, computed: the recordings that recipes/motion.toml learns from."""
