"""The frame road, the worker that runs it and the supervisor that keeps it running."""
