"""What can be wrong with a broker or a serial line → one line that names it, what is wrong and what to do.

In the words of `touchline.media.sources.faults`, for whoever reads one reads the other. Nothing that an operating
system, a broker or a library says of an address, a user or a password is passed on.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
import termios

from touchline.types.errors import SourceError

_OF_ANOTHER_HOST = frozenset((62, 64))
"""OpenSSL: X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH."""
_EXPIRED = 10
_UNPLUGGED = frozenset((errno.EIO, errno.ENXIO, errno.ENODEV))


def no_connection(broker: str, error: OSError) -> SourceError:
    """The ``broker`` could not be reached, or TLS with it not be set up: what was raised says why."""
    match error:
        case ConnectionRefusedError():
            what, remedy = (
                "nothing listens there (connection refused)",
                "check that the broker is on, and its port",
            )
        case socket.gaierror():
            what, remedy = "its host name is not known", "check the name and this machine's DNS"
        case ssl.SSLCertVerificationError() if error.verify_code in _OF_ANOTHER_HOST:
            what, remedy = "its certificate is for another host", "give the address that the certificate names"
        case ssl.SSLCertVerificationError() if error.verify_code == _EXPIRED:
            what, remedy = "its certificate has expired", "renew it, and check this machine's clock"
        case ssl.SSLCertVerificationError():
            what = f"its certificate is not trusted ({error.verify_message})"
            remedy = "name its authority's PEM file as ca in [sensors]"
        case ssl.SSLError():
            what, remedy = "does not speak TLS as this box does", "check its port, or take mqtt://"
        case ConnectionError():
            return closed(broker)
        case _:
            what, remedy = f"cannot be reached ({_told(error)})", "check that it is on and reachable from here"
    return SourceError(broker, what, remedy)


def refused_login(broker: str, *, given: bool) -> SourceError:
    """The broker wants a login, and got none or, with ``given``, another."""
    if given:
        return SourceError(
            broker, "user or password is wrong, or may not connect", "set the right ones in [sensors]"
        )
    return SourceError(broker, "wants a user and password", "set them in [sensors]")


def refused(broker: str, why: str) -> SourceError:
    """The broker takes no connection; ``why``: MQTT's own name for it."""
    return SourceError(broker, f"the broker refuses the connection ({why})", "look at its log")


def no_right(broker: str, topic: str) -> SourceError:
    """The broker lets us in, and not hear ``topic``."""
    return SourceError(
        broker, f"the broker refuses {topic}", "give this user the right to read it, or set prefix in [sensors]"
    )


def no_answer(broker: str) -> SourceError:
    """Nothing came back in time."""
    return SourceError(
        broker, "no answer in time", "check that it is on, reachable from here, and an MQTT broker at that port"
    )


def silent(broker: str) -> SourceError:
    """A connection stands, and not even an answer to a ping comes."""
    return SourceError(
        broker, "nothing has come for a while, not even an answer", "connecting again; check it and its network"
    )


def closed(broker: str) -> SourceError:
    """A connection that was there is not any more."""
    return SourceError(broker, "the broker has closed the connection", "connecting again; look at its log")


def no_line(device: str, error: OSError | termios.error) -> SourceError:
    """The serial line ``device`` could not be opened, or be read on: what was raised says why."""
    match error.args[0] if error.args else None:
        case errno.ENOENT:
            what, remedy = "there is no such line", "plug it in, or name one that `ls /dev/serial/by-id` lists"
        case errno.EACCES | errno.EPERM:
            what, remedy = "may not be opened", "add this user to the group dialout"
        case errno.EBUSY:
            what, remedy = "is in use", "close the program that has it open"
        case errno.ENOTTY | errno.EINVAL:
            what, remedy = "is not a serial line", "name one, such as /dev/ttyACM0"
        case number if number in _UNPLUGGED:
            what, remedy = "the line has ended", "opening it again; check the node and its cable"
        case _:
            what, remedy = f"cannot be read ({_told(error)})", "opening it again; check the node and its cable"
    return SourceError(device, what, remedy)


def of_ours(link: str, error: BaseException) -> SourceError:
    """Hearing ``link`` fell over something that nobody foresaw."""
    what = f"a fault of this box's own ({type(error).__name__})"
    return SourceError(link, what, "hearing it again; please report what stands in the output above")


def _told(error: OSError | termios.error) -> str:
    """The system's words, which name nothing of the user's."""
    number = error.args[0] if error.args else None
    return os.strerror(number) if isinstance(number, int) else type(error).__name__
