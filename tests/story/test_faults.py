"""Every way in which a link fails is one line: where, what, and what to do."""

from __future__ import annotations

import errno
import os
import socket
import ssl
import termios

import pytest

from touchline.story import faults
from touchline.types import SourceError


def uncertain(code: int, message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, message
    return error


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, ""), "nothing listens there"),
        (ConnectionResetError(errno.ECONNRESET, ""), "has closed the connection"),
        (socket.gaierror(-2, "Name or service not known"), "host name is not known"),
        (OSError(errno.ENETUNREACH, ""), "cannot be reached (Network is unreachable)"),
        (uncertain(18, "self-signed certificate"), "not trusted (self-signed certificate); name its authority's"),
        (uncertain(62, "Hostname mismatch, certificate is not valid for 'x'"), "is for another host"),
        (uncertain(10, "certificate has expired"), "has expired"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER]"), "does not speak TLS as this box does"),
    ],
)
def test_brokers(error: OSError, what: str) -> None:
    check(faults.no_connection("mqtts://b", error), "mqtts://b", what)


@pytest.mark.parametrize(
    ("number", "what"),
    [
        (errno.ENOENT, "there is no such line"),
        (errno.EACCES, "may not be opened; add this user to the group dialout"),
        (errno.EBUSY, "is in use"),
        (errno.ENOTTY, "is not a serial line"),
        (errno.EIO, "the line has ended"),
        (errno.ENODEV, "the line has ended"),
        (errno.EMFILE, "cannot be read (Too many open files)"),
    ],
)
@pytest.mark.parametrize("kind", [OSError, termios.error])
def test_lines(kind: type[OSError | termios.error], number: int, what: str) -> None:
    check(faults.no_line("/dev/ttyACM0", kind(number, os.strerror(number))), "/dev/ttyACM0", what)


def check(fault: SourceError, where: str, what: str) -> None:
    said = str(fault)
    assert said.startswith(f"{where}: ")
    assert what in said
    assert "\n" not in said
    assert fault.remedy
