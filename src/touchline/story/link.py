"""Keeps what is told of a link to nodes true."""

from __future__ import annotations

import logging

from touchline.types.errors import SourceError
from touchline.types.sensor import LinkState, LinkStatus

log = logging.getLogger(__name__)


class Link:
    """``status``'s state, error and reconnects; each change is logged once."""

    def __init__(self, status: LinkStatus) -> None:
        self._status = status
        # One that was never there can be found, not found again.
        self._lost = status.state is not LinkState.CONNECTING

    def up(self) -> None:
        """Nodes are heard."""
        self._status.reconnects += self._lost
        self._status.state, self._status.error = LinkState.UP, None
        self._lost = True
        log.info("%s: connected", self._status.name)

    def down(self, fault: SourceError) -> None:
        """They are not, for ``fault``."""
        said = str(fault)
        if self._status.state is not LinkState.DOWN or self._status.error != said:
            log.warning("%s", said)
        self._status.state, self._status.error = LinkState.DOWN, said
