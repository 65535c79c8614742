"""Pictures and facts of one camera to one viewer: sequence numbers, time stamps, reports, retransmission."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from typing import Protocol

from touchline.deliver import rtcp
from touchline.deliver.fanout import CameraStream, Subscription
from touchline.deliver.rtp import Shape, Wire

HISTORY_PACKETS = 900
"""Packets kept for retransmission. Below SRTP's window of 1,024, older ones cannot be protected again."""

BURST_BYTES = 48 * 1024
BURST_GAP = 0.004
"""A backlog (a joining viewer's group of pictures) is sent in portions: 100 Mb/s spares the receiver's socket."""

RETRY_GAP = 0.005
"""Seconds until the next try when the kernel had no room."""

RESEND_GAP = 0.01
RESEND_PACKETS = 200
"""Packets sent again to one viewer per 10 ms at most: a flood of NACKs is not amplified."""


class Transport(Protocol):
    """What a sender needs of a `touchline.deliver.transport.PeerTransport`."""

    def send(self, wire: Wire, sequence: int, timestamp: int, ssrc: int) -> bool:
        """Send a picture."""
        ...

    def send_again(self, wire: Wire, index: int, sequence: int, timestamp: int, ssrc: int) -> bool:
        """Send one packet once more."""
        ...

    def send_rtcp(self, data: bytes) -> bool:
        """Send a compound RTCP packet."""
        ...

    def send_message(self, parts: list[tuple[int, bytes, int]]) -> bool:
        """Send a message on the data channel of facts."""
        ...


class ViewerSender:
    """Sends a subscription's pictures as they come, and its facts once ``facts_open`` is set.

    ``rtp_offset``: RTP time stamp = pts + rtp_offset (mod 2³²). ``resent`` counts packets sent again,
    ``fraction_lost`` is the viewer's last report (0–1) and ``round_trip`` is in seconds.
    """

    def __init__(self, transport: Transport, stream: CameraStream, shape: Shape, cname: str) -> None:
        self.ssrc = 1 + secrets.randbelow(2**32 - 1)
        self.rtp_offset = secrets.randbits(32)
        self.facts_open = False
        self.facts_dropped = 0
        self.resent = 0
        self.fraction_lost = 0.0
        self.round_trip: float | None = None
        self._transport = transport
        self._stream = stream
        self.shape = shape
        self._cname = cname.encode()
        # The lower half: a wrap before the receiver's first packets would shift SRTP's roll-over counter.
        self._sequence = secrets.randbelow(2**15)
        self._packets = 0
        self._octets = 0
        self._last: tuple[float, int] | None = None
        self._history: deque[tuple[int, Wire, int]] = deque()
        self._history_packets = 0
        self._resend_window = (0.0, 0)
        self._subscription: Subscription | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def backlog(self) -> int:
        """Pictures waiting to be sent."""
        return self._subscription.backlog if self._subscription is not None else 0

    @property
    def dropped(self) -> int:
        """Pictures this viewer did not get because it was slow."""
        return self._subscription.dropped if self._subscription is not None else 0

    def start(self) -> None:
        """Begin with what the stream has cached."""
        self._subscription = self._stream.subscribe(self.flush)
        self.flush()

    def stop(self) -> None:
        """Leave the stream and say goodbye. May be called twice."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._subscription is not None:
            self._stream.unsubscribe(self._subscription)
            self._subscription = None
            self._transport.send_rtcp(rtcp.bye(self.ssrc))

    def flush(self) -> None:
        """Send what is queued: facts first, then pictures, a backlog in portions."""
        subscription = self._subscription
        if subscription is None:
            return
        if self.facts_open:
            while (message := subscription.take_fact()) is not None:
                unsent = not self._transport.send_message(message.parts)
                self.facts_dropped += unsent
                self._stream.facts_unsent += unsent
        if self._timer is not None:
            return
        budget = BURST_BYTES
        while (unit := subscription.take()) is not None:
            wire = unit.wire(self.shape)
            if not self._send(wire, unit.pts):
                self._later(RETRY_GAP)
                return
            budget -= len(wire.block)
            if budget <= 0 and subscription.backlog:
                self._later(BURST_GAP)
                return

    def report(self) -> None:
        """Send a sender report: which media time was at which wall time. Call about once a second."""
        if self._last is not None:
            unix, timestamp = self._last
            data = rtcp.sender_report(self.ssrc, unix, timestamp, self._packets, self._octets, self._cname)
            self._transport.send_rtcp(data)

    def on_rtcp(self, data: bytes) -> None:
        """Answer a compound RTCP packet of the viewer's."""
        feedback = rtcp.parse(data, self.ssrc)
        if feedback.lost:
            self._resend(feedback.lost)
        if feedback.wants_key:
            self._stream.ask_for_key()
        if feedback.fraction_lost is not None:
            self.fraction_lost = feedback.fraction_lost
            if feedback.last_report:
                now = int((time.time() + rtcp.NTP_EPOCH) * 65536) & 0xFFFF_FFFF
                passed = (now - feedback.last_report - feedback.delay) & 0xFFFF_FFFF
                if passed < 60 << 16:
                    self.round_trip = passed / 65536

    def _send(self, wire: Wire, pts: int) -> bool:
        count = len(wire.packets)
        if count == 0:
            return True
        timestamp = (pts + self.rtp_offset) & 0xFFFF_FFFF
        sequence = self._sequence
        sent = self._transport.send(wire, sequence, timestamp, self.ssrc)
        # Blocked or not, the numbers are used up: what the kernel did not take is lost, and a NACK brings it back.
        self._sequence = (sequence + count) & 0xFFFF
        self._packets += count
        self._octets += wire.octets
        self._last = (time.time(), timestamp)
        self._history.append((sequence, wire, timestamp))
        self._history_packets += count
        while self._history_packets > HISTORY_PACKETS and len(self._history) > 1:
            self._history_packets -= len(self._history.popleft()[1].packets)
        return sent

    def _resend(self, lost: list[int]) -> None:
        now = time.monotonic()
        since, used = self._resend_window
        if now - since > RESEND_GAP:
            since, used = now, 0
        for number in lost:
            if used >= RESEND_PACKETS:
                break
            for sequence, wire, timestamp in reversed(self._history):
                index = (number - sequence) & 0xFFFF
                if index < len(wire.packets):
                    self._transport.send_again(wire, index, number, timestamp, self.ssrc)
                    self.resent += 1
                    used += 1
                    break
        self._resend_window = (since, used)

    def _later(self, delay: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(delay, self._go_on)

    def _go_on(self) -> None:
        self._timer = None
        self.flush()
