"""Tools that a machine may lack: their tests say so in one line and skip, but never in CI."""

from __future__ import annotations

import os
import shutil

import pytest


def need(*tools: str) -> str:
    """The first tool's path, once all are there; else skips the test, or fails it in CI."""
    for tool in tools:
        if shutil.which(tool) is None:
            message = f"{tool} is not installed; run scripts/install-system-packages as root"
            if os.environ.get("CI"):
                pytest.fail(message)
            pytest.skip(message)
    return str(shutil.which(tools[0]))
