"""The rule by which compressed video may be left out."""

from __future__ import annotations


class KeyGate:
    """A packet leans on those before it: once one is lost, none is of use until the next key packet.

    Whoever loses packets shuts the gate, and asks of every further one whether it `passes`.
    """

    def __init__(self) -> None:
        self._shut = False

    def shut(self) -> None:
        """Something was left out."""
        self._shut = True

    def passes(self, *, is_key: bool) -> bool:
        """Whether this packet is of use; a key packet opens the gate."""
        self._shut = self._shut and not is_key
        return not self._shut
