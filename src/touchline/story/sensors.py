"""What nodes tell → facts on the box's clock. Pure: messages and times in, facts and counts out."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from touchline.story.message import HEARTBEAT, Message, Refused, parse
from touchline.story.node_clock import NodeClock
from touchline.types.fact import Fact, JsonValue, fact_id
from touchline.types.packet import MEDIA_CLOCK
from touchline.types.sensor import ALL_CAMERAS, NodeEvent, NodeStatus, Refusal

SHUT_OUT_S, LONGEST_SHUT_OUT_S = 10.0, 320.0
"""How long a node that sent too much is not listened to: twice as long each time it does so again soon after."""
BURST_S = 5.0
"""So many seconds' allowance may come at once."""
SEQS_KEPT = 1024
BOOTS_KEPT = 4
TURNS, TURNS_WITHIN_S = 8, 120.0
"""A node that becomes another run of itself so often, so soon, is two devices, each of which speaks in turn."""
_SHOWN = 63


@dataclass(frozen=True, slots=True)
class Node:
    """``camera``: that it belongs to, or `ALL_CAMERAS`. ``serial``: heard on its own line, and nowhere else."""

    id: str
    kind: str
    camera: str = ALL_CAMERAS
    serial: bool = False


@dataclass(slots=True)
class Strangers:
    """Messages of nodes that venue.toml does not name: how many, and whose the last was."""

    count: int = 0
    last: str | None = None


@dataclass(slots=True)
class _Allowance:
    """A bucket that ``rate`` messages a second drip into. ``shut_until``: media time, s; ``penalty_s``: how long
    it was shut last."""

    rate: float
    left: float
    at: float = 0.0
    shut_until: float = float("-inf")
    penalty_s: float = 0.0

    def take(self, now: float) -> bool:
        """Whether one more may come at ``now``; where not, none may for a while."""
        self.left = min(self.rate * BURST_S, self.left + max(0.0, now - self.at) * self.rate)
        self.at = now
        if self.left < 1:
            if now >= self.shut_until:
                soon = now < self.shut_until + max(self.penalty_s, SHUT_OUT_S)
                self.penalty_s = min(LONGEST_SHUT_OUT_S, self.penalty_s * 2) if soon else SHUT_OUT_S
            self.shut_until = now + self.penalty_s
            return False
        self.left -= 1
        return now >= self.shut_until

    def shut(self, now: float) -> bool:
        return now < self.shut_until


@dataclass(slots=True)
class _Run:
    """One run of a node, from its start to its next. ``seqs``: its last messages' numbers → their time stamps."""

    boot: int | str | None
    clock: NodeClock = field(default_factory=NodeClock)
    seqs: OrderedDict[int, float] = field(default_factory=OrderedDict[int, float])
    newest_seq: int = -1


@dataclass(slots=True)
class _Known:
    node: Node
    status: NodeStatus
    allowance: _Allowance
    run: _Run | None = None
    ended: deque[int | str] = field(default_factory=lambda: deque[int | str](maxlen=BOOTS_KEPT))
    turns: deque[float] = field(default_factory=lambda: deque[float](maxlen=TURNS))
    """Media times at which another run spoke than before, or another device under the same number."""
    speaks: int | str | None = None
    """The boot of its last message."""

    def twins(self, now: float) -> bool:
        """Whether two devices seem to use its id."""
        return len(self.turns) == TURNS and now - self.turns[0] <= TURNS_WITHIN_S


class Sensors:
    """All nodes of a venue. ``rate``: messages a second that each may send, and all strangers together;
    ``late_s``: how long ago what a message tells may have happened."""

    def __init__(self, nodes: Iterable[Node], *, rate: float = 20.0, late_s: float = 30.0) -> None:
        self.strangers = Strangers()
        self._late_s = late_s
        self._unknown = _Allowance(rate, rate * BURST_S)
        self._nodes = {
            node.id: _Known(node, NodeStatus(node.id, node.kind, node.camera), _Allowance(rate, rate * BURST_S))
            for node in nodes
        }

    def take(
        self,
        node: str,
        payload: bytes,
        now: float,
        unix_ms: int,
        *,
        serial: bool = False,
        retained: bool = False,
    ) -> Fact | None:
        """The fact that ``node``'s message is, or None where it is none; why not is counted.

        ``now``: media time at which it came, s. ``unix_ms``: the wall clock, for the fact's id. ``serial``: it
        came on the node's own line. ``retained``: the broker had kept it.
        """
        known = self._nodes.get(node)
        if known is None or known.node.serial != serial:
            self.strangers.count += 1
            self.strangers.last = node[:_SHOWN]
            self._unknown.take(now)
            return None
        status = known.status
        status.heard = now
        try:
            if not known.allowance.take(now):
                raise Refused(Refusal.FLOOD, "sends too much")
            if retained:
                raise Refused(Refusal.RETAINED, "was retained; publish events without the retain flag")
            message = parse(payload)
            at = self._placed(known, message, now)
        except Refused as refused:
            status.refused[refused.reason] = status.refused.get(refused.reason, 0) + 1
            if refused.reason not in (Refusal.DOUBLED, Refusal.FLOOD):
                status.reason = f"{refused.reason}: {refused}"
            return None
        if message.kind == HEARTBEAT:
            status.heartbeats += 1
            return None
        status.facts += 1
        status.last = NodeEvent(message.kind, message.score, round(at, 3))
        data: dict[str, JsonValue] = {
            "node": known.node.id,
            "sensor": known.node.kind,
            "seq": message.seq,
            "score": message.score,
            **message.more,
        }
        return Fact(fact_id(unix_ms), known.node.camera, message.kind, round(at * MEDIA_CLOCK), data)

    def statuses(self, now: float) -> list[NodeStatus]:
        """Every node, in the order they were named."""
        for known in self._nodes.values():
            known.status.flooding = known.allowance.shut(now)
        return [known.status for known in self._nodes.values()]

    def heard_alone(self, now: float) -> list[str] | None:
        """While somebody floods: the nodes to listen to, and to nobody else. None: whoever speaks is heard."""
        on_air = [known for known in self._nodes.values() if not known.node.serial]
        if not self._unknown.shut(now) and not any(known.allowance.shut(now) for known in on_air):
            return None
        return [known.node.id for known in on_air if not known.allowance.shut(now)]

    def _placed(self, known: _Known, message: Message, now: float) -> float:
        """The media time of what happened, s. Raises `Refused` where it is known already or too old."""
        run = self._run_of(known, message, now)
        if message.seq in run.seqs:
            if run.seqs[message.seq] != message.t_ms:
                known.turns.append(now)
                _refuse_twins(known, now)
            raise Refused(Refusal.DOUBLED, "came before")
        run.seqs[message.seq] = message.t_ms
        if len(run.seqs) > SEQS_KEPT:
            run.seqs.popitem(last=False)
        run.newest_seq = max(run.newest_seq, message.seq)
        if message.boot is None:
            _refuse_twins(known, now)
        sent_s = message.clock_ms / 1000
        stamped = run.clock.update(sent_s, now)
        known.status.ahead += stamped.ahead
        known.status.restarts += stamped.began_anew
        known.status.delay_ms = round((now - stamped.media_s) * 1000, 1)
        drift = run.clock.drift
        known.status.drift_ppm = None if drift is None else round(drift * 1e6, 1)
        at = stamped.media_s - (sent_s - message.t_ms / 1000) * (1 + (drift or 0.0))
        if at < 0:
            raise Refused(Refusal.LATE, "of before the box began")
        if now - at > self._late_s:
            raise Refused(Refusal.LATE, f"of {now - at:.1f} s ago; {self._late_s:g} s at most")
        return at

    def _run_of(self, known: _Known, message: Message, now: float) -> _Run:
        """The node's run that ``message`` is of. Raises `Refused` where that has ended."""
        run = known.run
        another = run is not None and self._is_of_another(run, message)
        if message.boot is None:
            turned = another
        else:  # one that was never heard is a restart, and no turn
            turned = message.boot != known.speaks and (message.boot in known.ended or not another)
        if run is not None and turned:
            known.turns.append(now)
        known.speaks = message.boot
        if run is not None and not another:
            return run
        if message.boot is not None and message.boot in known.ended:
            _refuse_twins(known, now)
            raise Refused(Refusal.LATE, "of before the node's last restart")
        if run is not None:
            known.status.restarts += not known.twins(now)
            if run.boot is not None and run.boot != message.boot:
                known.ended.append(run.boot)
        known.run = _Run(message.boot)
        return known.run

    @staticmethod
    def _is_of_another(run: _Run, message: Message) -> bool:
        if message.boot != run.boot:
            return True
        if message.seq in run.seqs:
            return message.boot is None and run.seqs[message.seq] != message.t_ms
        return message.boot is None and message.seq < run.newest_seq - SEQS_KEPT


def _refuse_twins(known: _Known, now: float) -> None:
    if known.twins(now):
        raise Refused(
            Refusal.TWINS,
            "two devices seem to use this id, or one restarts every few seconds; give each an id of its own",
        )
