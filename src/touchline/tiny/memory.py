"""Where each buffer lies in the arena: the smallest arena, and a bound below which none can be.

Pure. A buffer lives from one step to another; two that live at the same time must not overlap, unless an
`Overlap` says how far one may reach into the other (an output that follows behind its input).

Found by branch and bound: buffers are placed one after another, each as low as it fits. Some order of placing
gives the smallest arena (in the order of the offsets of any smallest arena, each buffer lands at or below its
offset there), so a search that ends has proved its result. The bound is the largest need of any single step,
by the same search over the buffers of that step alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Buffer:
    """Lives in the steps ``first`` to ``last``, both included.

    ``stages``: first, last and bytes of each part of its life, where one tensor after another takes its place.
    """

    name: str
    bytes: int
    first: int
    last: int
    alignment: int = 4
    stages: tuple[tuple[int, int, int], ...] = ()

    def within(self, first: int, last: int) -> int:
        """The most bytes it has in the steps ``first`` to ``last``; 0 where it does not live."""
        stages = self.stages or ((self.first, self.last, self.bytes),)
        return max((size for begin, end, size in stages if begin <= last and first <= end), default=0)

    def beside(self, other: Buffer) -> int:
        """The most bytes it has while ``other`` lives."""
        stages = other.stages or ((other.first, other.last, other.bytes),)
        return max(self.within(begin, end) for begin, end, _ in stages)


@dataclass(frozen=True, slots=True)
class Overlap:
    """Buffer ``above`` may start ``distance`` bytes after ``below`` starts, or later, not its full size."""

    above: int
    below: int
    distance: int


@dataclass(frozen=True, slots=True)
class Plan:
    """``bound``: no plan of these buffers needs less. ``optimal``: ``bytes`` is proved to be the least."""

    offsets: tuple[int, ...]
    bytes: int
    bound: int
    optimal: bool


@dataclass(slots=True)
class _Search:
    buffers: Sequence[Buffer]
    overlaps: dict[tuple[int, int], int]
    nodes: int
    best: int = 1 << 60
    best_offsets: dict[int, int] = field(default_factory=dict[int, int])
    near: list[dict[int, tuple[int, int]]] = field(default_factory=list[dict[int, tuple[int, int]]])
    seen: set[tuple[tuple[int, int], ...]] = field(default_factory=set[tuple[tuple[int, int], ...]])

    def gap(self, below: int, above: int) -> int:
        """From the start of one to the least start of the other above it."""
        if (above, below) in self.overlaps:
            return self.overlaps[above, below]
        return self.buffers[below].beside(self.buffers[above])

    def conflict(self, a: int, b: int) -> bool:
        return self.buffers[a].first <= self.buffers[b].last and self.buffers[b].first <= self.buffers[a].last

    def lowest(self, index: int, placed: dict[int, int]) -> int:
        """The least offset at which buffer ``index`` collides with none of ``placed``."""
        if not self.near:
            self.near = [
                {
                    i: (self.gap(i, j), self.gap(j, i))
                    for i in range(len(self.buffers))
                    if i != j and self.conflict(i, j)
                }
                for j in range(len(self.buffers))
            ]
        near = self.near[index]
        # Where it must not start: between `down` below the other's start and `up` above it, both excluded.
        taken = sorted((offset - near[i][1], offset + near[i][0]) for i, offset in placed.items() if i in near)
        alignment = self.buffers[index].alignment
        at = 0
        for begin, end in taken:
            if begin < at < end:
                at = -(-end // alignment) * alignment
            elif begin >= at:
                break
        return at

    def greedy(self, order: Sequence[int]) -> None:
        placed: dict[int, int] = {}
        for index in order:
            placed[index] = self.lowest(index, placed)
        peak = max((at + self.buffers[i].bytes for i, at in placed.items()), default=0)
        if peak < self.best:
            self.best, self.best_offsets = peak, placed

    def descend(self, placed: dict[int, int], rest: tuple[int, ...], peak: int, enough: int) -> None:
        if self.nodes <= 0 or self.best <= enough:
            return
        if not rest:
            self.best, self.best_offsets = peak, dict(placed)
            return
        # The same buffers in the same places, by another order.
        state = tuple(sorted(placed.items()))
        if state in self.seen:
            return
        self.seen.add(state)
        for position, index in enumerate(rest):
            self.nodes -= 1
            at = self.lowest(index, placed)
            top = max(peak, at + self.buffers[index].bytes)
            if top >= self.best:
                continue
            placed[index] = at
            self.descend(placed, rest[:position] + rest[position + 1 :], top, enough)
            del placed[index]


def plan(buffers: Sequence[Buffer], overlaps: Sequence[Overlap] = (), *, effort: int = 2_000_000) -> Plan:
    """Offsets for ``buffers``, in their order. ``effort`` bounds the search; a longer one may prove more."""
    nodes = effort // (len(buffers) ** 2 + 1)
    table = {(overlap.above, overlap.below): overlap.distance for overlap in overlaps}
    bound = _bound(buffers, table)
    search = _Search(buffers, table, nodes)
    everything = range(len(buffers))
    for order in (
        sorted(everything, key=lambda i: -buffers[i].bytes),
        sorted(everything, key=lambda i: (buffers[i].first - buffers[i].last, -buffers[i].bytes)),
        sorted(everything, key=lambda i: (buffers[i].first, -buffers[i].bytes)),
    ):
        search.greedy(order)
    order = tuple(sorted(everything, key=lambda i: -buffers[i].bytes))
    search.descend({}, order, 0, bound)
    offsets = tuple(search.best_offsets[i] for i in everything)
    optimal = search.best == bound or search.nodes > 0
    size = search.best if buffers else 0
    return Plan(offsets, size, size if optimal else bound, optimal)


def _bound(buffers: Sequence[Buffer], overlaps: dict[tuple[int, int], int]) -> int:
    steps = sorted({buffer.first for buffer in buffers} | {first for b in buffers for first, _, _ in b.stages})
    needs = {
        tuple((i, b.within(step, step)) for i, b in enumerate(buffers) if b.first <= step <= b.last)
        for step in steps
    }
    return max((_bound_of(need, overlaps) for need in needs), default=0)


def _bound_of(live: tuple[tuple[int, int], ...], overlaps: dict[tuple[int, int], int]) -> int:
    """The least that buffers (key and bytes) of one step need: all of them, but for what two may share."""
    size = dict(live)
    total = sum(size.values())
    for (above, below), distance in overlaps.items():
        if above in size and below in size:
            # As close as the distance lets them, or the smaller inside of the larger.
            apart = max(distance, min(0, size[below] - size[above]))
            together = max(size[below], apart + size[above]) - min(0, apart)
            total -= max(0, size[above] + size[below] - together)
    return total


def check(buffers: Sequence[Buffer], overlaps: Sequence[Overlap], made: Plan) -> list[str]:
    """What is wrong with a plan: nothing, or which buffers collide."""
    table = {(overlap.above, overlap.below): overlap.distance for overlap in overlaps}
    search = _Search(buffers, table, 0)
    problems: list[str] = []
    for i, buffer in enumerate(buffers):
        if (
            made.offsets[i] < 0
            or made.offsets[i] + buffer.bytes > made.bytes
            or made.offsets[i] % buffer.alignment
        ):
            problems.append(f"{buffer.name} at {made.offsets[i]} does not fit")
        for j in range(i):
            low, high = (i, j) if made.offsets[i] <= made.offsets[j] else (j, i)
            apart = any(
                made.offsets[above] >= made.offsets[below] + search.gap(below, above)
                for below, above in ((low, high), (high, low))
            )
            if search.conflict(i, j) and not apart:
                problems.append(f"{buffers[j].name} and {buffer.name} collide")
    return problems
