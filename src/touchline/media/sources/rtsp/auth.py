"""HTTP authentication as RTSP uses it: Basic (RFC 7617) and Digest (RFC 2617 and 7616)."""

from __future__ import annotations

import base64
import hashlib
import os
import re

_HASHES = {"": hashlib.md5, "MD5": hashlib.md5, "SHA-256": hashlib.sha256}
_PAIR = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')


class Login:
    """Answers a server's challenge for one user."""

    def __init__(self, user: str, password: str) -> None:
        self._user, self._password = user, password
        self._digest: dict[str, str] | None = None
        self._basic = False
        self._count = 0

    def challenge(self, headers: list[str]) -> bool:
        """Take the server's ``WWW-Authenticate`` headers. False if there is no answer to them."""
        if not self._user and not self._password:
            return False
        for header in headers:
            kind, _, rest = header.strip().partition(" ")
            if kind.lower() == "digest":
                pairs = {name.lower(): quoted or plain for name, quoted, plain in _PAIR.findall(rest)}
                if pairs.get("algorithm", "").upper() in _HASHES:
                    self._digest, self._count = pairs, 0
                    return True
        self._basic = any(header.strip().lower().startswith("basic") for header in headers)
        return self._basic

    def header(self, method: str, url: str) -> str | None:
        """The ``Authorization`` of a request, None before a challenge."""
        if self._digest is not None:
            return self._answer(self._digest, method, url)
        if self._basic:
            pair = f"{self._user}:{self._password}".encode()
            return "Basic " + base64.b64encode(pair).decode()
        return None

    def _answer(self, given: dict[str, str], method: str, url: str) -> str:
        make = _HASHES[given.get("algorithm", "").upper()]

        def digest(text: str) -> str:
            return make(text.encode()).hexdigest()

        realm, nonce = given.get("realm", ""), given.get("nonce", "")
        secret = digest(f"{self._user}:{realm}:{self._password}")
        request = digest(f"{method}:{url}")
        fields = {"username": self._user, "realm": realm, "nonce": nonce, "uri": url}
        if "auth" in given.get("qop", "").replace(" ", "").split(","):
            self._count += 1
            count, own = f"{self._count:08x}", os.urandom(8).hex()
            fields["response"] = digest(f"{secret}:{nonce}:{count}:{own}:auth:{request}")
            extra = f", qop=auth, nc={count}"
            fields["cnonce"] = own
        else:
            fields["response"] = digest(f"{secret}:{nonce}:{request}")
            extra = ""
        if "opaque" in given:
            fields["opaque"] = given["opaque"]
        if given.get("algorithm"):
            extra += f", algorithm={given['algorithm']}"
        return "Digest " + ", ".join(f'{name}="{value}"' for name, value in fields.items()) + extra
