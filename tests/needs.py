"""Tools that a machine may lack: their tests say so in one line and skip, but never in CI."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.media.rtsp_server import is_installed


def need(*tools: str) -> str:
    """The first tool's path, once all are there; else skips the test, or fails it in CI."""
    for tool in tools:
        if shutil.which(tool) is None:
            _lacks(tool)
    return str(shutil.which(tools[0]))


def need_rtsp_server() -> None:
    """The same for the RTSP server, which is a library of the system's Python."""
    if not is_installed():
        _lacks("gst-rtsp-server")


def _lacks(what: str) -> None:
    message = f"{what} is not installed; run scripts/install-system-packages as root"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)
