"""A graph → the order its operators run in and the place of every tensor in one arena.

Pure. Three questions, each answered by search: which order needs least (a best-first walk over sets of operators
that have run), which outputs overwrite an input (what a kernel allows, where nobody reads that input again), and
where each buffer lies (`memory.py`).
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

from touchline.tiny.ccode import Flavour, Step
from touchline.tiny.graph import ConvAdd, Graph, Op, Reshape
from touchline.tiny.lower import lower
from touchline.tiny.memory import Buffer, Overlap, Plan, check, plan
from touchline.tiny.passes import storage
from touchline.tiny.placement import Placement, placements
from touchline.types.errors import ModelError

_STATES = 3_000
"""Sets of operators looked at before the file's own order is kept."""

_TRIAL, _FINAL = 20_000, 2_000_000
"""Effort of planning while placements are tried, and of the plan that is kept."""
_PLANS = 3_000
"""Plans made while placements are tried, over the number of operators: large graphs take longer for each."""


@dataclass(frozen=True, slots=True)
class Span:
    """A buffer of the arena: which tensors it holds, where, and in which steps it lives."""

    name: str
    tensors: tuple[int, ...]
    offset: int
    bytes: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Arrangement:
    """``offsets``: of each activation; ``scratch``: of each step. ``bound``: no plan of these steps needs less."""

    graph: Graph
    steps: tuple[Step, ...]
    offsets: dict[int, int]
    scratch: tuple[int, ...]
    bytes: int
    bound: int
    optimal: bool
    spans: tuple[Span, ...]


def arrange(graph: Graph, flavour: Flavour) -> Arrangement:
    """The smallest arena found for ``graph`` with the kernels of ``flavour``."""
    graph = replace(graph, ops=_order(graph))
    ops = [op for op in graph.ops if not isinstance(op, Reshape)]
    lives = _Lives(graph, ops)
    choices = [lives.allowed(i, op) for i, op in enumerate(ops)]
    # Whatever saves most in its own step comes first: once of all placements, and once without outputs behind an
    # input that could also be overwritten, for those cannot follow each other downwards for ever.
    starts = [
        [
            min(options, key=lambda option, i=i: lives.need(i, option, flavour))
            for i, options in enumerate(narrowed)
        ]
        for narrowed in (choices, [_without_steps_down(options) for options in choices])
    ]
    found = [_improved(lives, choices, start, flavour) for start in starts]
    chosen, _ = min(found, key=lambda each: each[1])
    return _planned(lives, chosen, flavour, effort=_FINAL).arrangement(graph)


def _without_steps_down(options: list[Placement]) -> list[Placement]:
    over = any(option.over is not None for option in options)
    return [option for option in options if option.behind is None or not over]


def _improved(
    lives: _Lives, choices: list[list[Placement]], chosen: list[Placement], flavour: Flavour
) -> tuple[list[Placement], int]:
    """``chosen`` with each placement tried the other way, as long as that saves; and the bytes it needs."""
    best = _planned(lives, chosen, flavour, effort=_TRIAL).plan.bytes
    # No choice can do with less than the neediest step does by itself.
    least = max(min(lives.need(i, option, flavour) for option in options) for i, options in enumerate(choices))
    plans = _PLANS // len(choices)
    for width in (1, 2):  # one operator at a time, then two neighbours at once
        improved = True
        while improved and plans > 0:
            improved = False
            for i in range(len(choices) - width + 1):
                for options in product(*choices[i : i + width]):
                    trial = [*chosen[:i], *options, *chosen[i + width :]]
                    cheaper = _dearness(choices, trial) < _dearness(choices, chosen)
                    if trial == chosen or (best <= least and not cheaper) or plans <= 0:
                        continue
                    if any(lives.need(i + at, option, flavour) > best for at, option in enumerate(options)):
                        continue
                    plans -= 1
                    needed = _planned(lives, trial, flavour, effort=_TRIAL).plan.bytes
                    if needed < best or (cheaper and needed == best):
                        chosen, best, improved = trial, needed, True
        if best <= least:
            break
    return chosen, best


def _dearness(choices: list[list[Placement]], chosen: list[Placement]) -> int:
    """Placements are listed by what they cost to run."""
    return sum(options.index(option) for options, option in zip(choices, chosen, strict=True))


class _Lives:
    """Which storage is alive when: from the step that makes it to the last that reads it."""

    def __init__(self, graph: Graph, ops: Sequence[Op]) -> None:
        self.graph = graph
        self.ops = ops
        self.root = storage(graph)
        self.first: dict[int, int] = {self.root[key]: 0 for key in graph.inputs}
        self.last: dict[int, int] = {self.root[key]: 0 for key in graph.inputs}
        for i, op in enumerate(ops):
            for key in op.inputs:
                if not graph.is_constant(key):
                    self.last[self.root[key]] = i
            self.first[self.root[op.output]] = i
            self.last[self.root[op.output]] = i
        for key in graph.outputs:
            self.last[self.root[key]] = len(ops)
        self.bytes = {key: graph.tensors[key].bytes for key in self.first}
        self._lowered: dict[tuple[int, Placement, Flavour], Step] = {}
        self._needs: dict[tuple[int, Placement, Flavour], int] = {}

    def step(self, i: int, option: Placement, flavour: Flavour) -> Step:
        if (i, option, flavour) not in self._lowered:
            self._lowered[i, option, flavour] = lower(self.graph, self.ops[i], option, flavour)
        return self._lowered[i, option, flavour]

    def allowed(self, i: int, op: Op) -> list[Placement]:
        """Placements whose overwritten input nobody reads after step ``i``."""
        found: list[Placement] = []
        for option in placements(self.graph, op):
            if option.consumed is not None:
                root = self.root[option.consumed]
                read_twice = sum(self.root.get(key) == root for key in op.inputs) > 1 and option.ring_rows
                if self.last[root] > i or read_twice:
                    continue
            found.append(option)
        if not found:
            raise ModelError(f"{self.graph.name}: {op.place} would overwrite what is still read; report this")
        return found

    def need(self, i: int, option: Placement, flavour: Flavour) -> int:
        """Bytes alive in step ``i`` if its output is placed so."""
        if (i, option, flavour) not in self._needs:
            self._needs[i, option, flavour] = self._need(i, option, flavour)
        return self._needs[i, option, flavour]

    def _need(self, i: int, option: Placement, flavour: Flavour) -> int:
        op = self.ops[i]
        root = self.root[op.output]
        alive = sum(
            self.bytes[key] for key in self.first if key != root and self.first[key] <= i <= self.last[key]
        )
        own = self.bytes[root]
        if option.behind is not None:
            lost = self.bytes[self.root[option.behind]]
            own = max(0, max(own, option.distance + lost) - lost)
        if option.over is not None:
            own = max(0, own - self.bytes[self.root[option.over]])
        return alive + own + self.step(i, option, flavour).scratch


@dataclass(frozen=True, slots=True)
class _Planned:
    steps: tuple[Step, ...]
    groups: tuple[tuple[int, ...], ...]
    buffers: tuple[Buffer, ...]
    scratch: dict[int, int]
    plan: Plan
    root: dict[int, int]

    def arrangement(self, graph: Graph) -> Arrangement:
        offset_of = {key: self.plan.offsets[i] for i, group in enumerate(self.groups) for key in group}
        offsets = {key: offset_of[root] for key, root in self.root.items() if root in offset_of}
        scratch = tuple(
            self.plan.offsets[self.scratch[i]] if i in self.scratch else 0 for i in range(len(self.steps))
        )
        spans = tuple(
            Span(
                buffer.name,
                self.groups[i] if i < len(self.groups) else (),
                self.plan.offsets[i],
                buffer.bytes,
                buffer.first,
                min(buffer.last, len(self.steps) - 1),
            )
            for i, buffer in enumerate(self.buffers)
        )
        return Arrangement(
            graph,
            self.steps,
            offsets,
            scratch,
            self.plan.bytes,
            self.plan.bound,
            self.plan.optimal,
            spans,
        )


def _planned(lives: _Lives, chosen: Sequence[Placement], flavour: Flavour, effort: int) -> _Planned:
    steps = tuple(lives.step(i, option, flavour) for i, option in enumerate(chosen))
    group = {key: key for key in lives.first}
    for op, option in zip(lives.ops, chosen, strict=True):
        if option.over is not None:
            group[lives.root[op.output]] = group[lives.root[option.over]]
    groups = tuple(tuple(key for key in group if group[key] == head) for head in dict.fromkeys(group.values()))
    buffers = [
        Buffer(
            lives.graph.tensors[members[0]].name,
            max(lives.bytes[key] for key in members),
            min(lives.first[key] for key in members),
            max(lives.last[key] for key in members),
            stages=tuple((lives.first[key], lives.last[key], lives.bytes[key]) for key in members),
        )
        for members in groups
    ]
    scratch: dict[int, int] = {}
    for i, step in enumerate(steps):
        if step.scratch:
            scratch[i] = len(buffers)
            buffers.append(Buffer(f"scratch of {step.place}", step.scratch, i, i, 8))
    at = {key: i for i, members in enumerate(groups) for key in members}
    overlaps = [
        Overlap(at[lives.root[option.behind]], at[lives.root[op.output]], option.distance)
        for op, option in zip(lives.ops, chosen, strict=True)
        if option.behind is not None
    ]
    made = plan(buffers, overlaps, effort=effort)
    problems = check(buffers, overlaps, made)
    if problems:
        raise ModelError(f"{lives.graph.name}: the arena's plan is wrong ({'; '.join(problems)}); report this")
    return _Planned(steps, groups, tuple(buffers), scratch, made, lives.root)


def _order(graph: Graph) -> tuple[Op, ...]:
    """The order that needs least, counting what lives and what overwrites; the file's own if none is better."""
    ops = graph.ops
    root = storage(graph)
    size = {key: graph.tensors[key].bytes for key in root.values() if not graph.is_constant(key)}
    makers = {op.output: i for i, op in enumerate(ops)}
    needs = [{makers[key] for key in op.inputs if key in makers} for op in ops]
    readers: dict[int, set[int]] = {key: set() for key in size}
    for i, op in enumerate(ops):
        for key in op.inputs:
            if root[key] in readers and not isinstance(op, Reshape):
                readers[root[key]].add(i)
    for i, op in enumerate(ops):
        if isinstance(op, ConvAdd):  # it overwrites its last input: all others read that before
            needs[i] |= readers[root[op.inputs[-1]]] - {i}
    kept = {root[key] for key in graph.outputs}
    reuse = [[root[p.consumed] for p in placements(graph, op) if p.consumed is not None] for op in ops]

    def alive(done: frozenset[int]) -> set[int]:
        made = {root[ops[i].output] for i in done} | {root[key] for key in graph.inputs}
        return {key for key in made if key in size and (key in kept or not readers[key] <= done)}

    def cost(done: frozenset[int], i: int) -> int:
        op = ops[i]
        if isinstance(op, Reshape):
            return 0
        before = alive(done)
        total = sum(size[key] for key in before)
        dying = [key for key in reuse[i] if key not in kept and readers[key] <= done | {i}]
        saved = max((min(size[key], size[root[op.output]]) for key in dying), default=0)
        return total + size[root[op.output]] - saved

    start: frozenset[int] = frozenset()
    own = max((cost(frozenset(range(i)), i) for i in range(len(ops))), default=0)
    if own <= max(_alone(op, size, root, reuse[i]) for i, op in enumerate(ops)):
        return ops
    queue: list[tuple[int, tuple[int, ...], frozenset[int]]] = [(0, (), start)]
    visited: set[frozenset[int]] = set()
    while queue and len(visited) < _STATES:
        peak, order, done = heapq.heappop(queue)
        if peak >= own:
            return ops
        if len(order) == len(ops):
            return tuple(ops[i] for i in order)
        if done in visited:
            continue
        visited.add(done)
        for i in range(len(ops)):
            if i not in done and needs[i] <= done:
                heapq.heappush(queue, (max(peak, cost(done, i)), (*order, i), done | {i}))
    return ops


def _alone(op: Op, size: dict[int, int], root: dict[int, int], reuse: list[int]) -> int:
    """What ``op`` needs in any order."""
    if isinstance(op, Reshape):
        return 0
    read = {root[key] for key in op.inputs if root[key] in size}
    made = size[root[op.output]]
    return sum(size[key] for key in read) + made - max((min(size[key], made) for key in reuse), default=0)
