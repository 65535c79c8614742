"""THE MODEL ROAD's first half: recipe → trained net. Resumable, the same from the same recipe, for every task."""

from __future__ import annotations

import copy
import json
import math
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from touchline.model.curves import draw_losses
from touchline.model.recipe import Schedule
from touchline.model.tasks.choose import read_task
from touchline.model.tasks.task import Array, Material, Task
from touchline.types.errors import ConfigError

Batch = tuple[Tensor, ...]
_AHEAD = 4
_LOGGED = 50
"""Steps between what is logged of the loss."""


@dataclass(frozen=True, slots=True)
class Moved:
    """How far a run is after a step.

    ``loss``: the step's, all parts together. ``best``: the best score of a look at what is held, None before the
    first; ``best_step``: of when.
    """

    step: int
    steps: int
    loss: float
    best: float | None
    best_step: int


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _ignore(moved: Moved) -> None:
    del moved


def train(
    recipe: Path, runs: Path, say: Callable[[str], None] = _say, watch: Callable[[Moved], None] = _ignore
) -> Path:
    """Train as the recipe says → the run's folder, ``runs``/name: checkpoint.pt, log.jsonl, loss.png and, in the
    end, artifact/, with a picture of how good it is. ``say`` hears how it goes, by default on stderr; ``watch``
    is called after each step.

    A run that was stopped, even by kill -9, goes on from its last checkpoint as if nothing had been.
    Raises `ConfigError` for a bad recipe, or one (or data) that a checkpoint in that folder was not made by.
    """
    task = read_task(recipe)
    folder = runs / task.recipe.name
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(task.recipe.seed)
    torch.set_num_threads(1)
    run = Run(task, folder / "checkpoint.pt", task.fingerprints())
    material = task.load()
    file = folder / "log.jsonl"
    _cut_log(file, run.step)
    with file.open("a", encoding="utf-8") as log:
        for entry in run.go(material, watch):
            log.write(json.dumps(entry) + "\n")
            log.flush()
            say("  ".join(f"{name} {value:g}" for name, value in entry.items()))
            if entry["step"] % task.recipe.schedule.checkpoint == 0:
                draw_losses(file, folder / "loss.png")
    if run.stopped:
        say(f"no better since step {run.best_step}: stopped, back to the weights of then")
    say(f"the artifact is in {material.finish(folder, run.told)}")
    return folder


def _cut_log(file: Path, step: int) -> None:
    """Leave out what a run that goes on from ``step`` will say again, and a last line that was cut off."""
    if not file.is_file():
        return
    kept: list[str] = []
    for line in file.read_text("utf-8", errors="replace").splitlines():
        try:
            if json.loads(line)["step"] <= step:
                kept.append(line)
        except (ValueError, KeyError, TypeError):
            continue
    fresh = file.with_suffix(".new")
    fresh.write_text("".join(f"{line}\n" for line in kept), "utf-8")
    fresh.replace(file)


class Run:
    """The state of a training run, all of it in its checkpoint."""

    def __init__(self, task: Task, file: Path, data: Mapping[str, str]) -> None:
        self._task = task
        self._plan = plan = task.recipe
        self._file = file
        self._data = dict(data)
        self._best: dict[str, Tensor] | None = None
        self._best_score = -math.inf
        self.best_step = 0
        self.stopped = False
        """Whether it ended since it no longer improved."""
        self.net = task.net()
        cast(Any, self.net).to(memory_format=torch.channels_last)
        self.averaged = task.net()
        if plan.schedule.start:
            start: Any = torch.load(plan.schedule.start, weights_only=True)
            self.net.load_state_dict(task.fit(start["averaged"]))
        self.averaged.load_state_dict(self.net.state_dict())
        # Each works alone on its share of a batch and meets the others once a step. Threads inside each
        # operation would meet hundreds of times, and stall on a machine that has other work too.
        self._replicas = [self.net, *(_replica(self.net) for _ in range(plan.schedule.threads - 1))]
        self._pool = ThreadPoolExecutor(plan.schedule.threads, initializer=torch.set_num_threads, initargs=(1,))
        self._optimiser = torch.optim.AdamW(
            _groups(self.net, plan.schedule.decay), lr=plan.schedule.lr, foreach=True
        )
        self.step = 0
        self._seconds = 0.0
        if file.is_file():
            self._restore()

    def go(self, material: Material, watch: Callable[[Moved], None] = _ignore) -> Iterator[dict[str, Any]]:
        """Train to the end; yields what to log, and tells ``watch`` of each step."""
        schedule = self._plan.schedule
        began = time.monotonic() - self._seconds
        sums: dict[str, float] = {}
        summed = 0
        if self.stopped:
            return
        for batch in _batches(material, schedule, self.step):
            self._seconds = time.monotonic() - began
            done = self._progress()
            if done >= 1:
                break
            parts = self._learn(batch, done)
            for name, part in parts.items():
                sums[name] = sums.get(name, 0.0) + part
            self.step += 1
            summed += 1
            best = self._best_score if math.isfinite(self._best_score) else None
            watch(Moved(self.step, schedule.steps, sum(parts.values()), best, self.best_step))
            if self.step % _LOGGED == 0:
                yield {
                    "step": self.step,
                    "minutes": round(self._seconds / 60, 2),
                    "done": round(done, 4),
                    **{name: round(value / summed, 4) for name, value in sums.items()},
                }
                sums, summed = {}, 0
            if self.step % schedule.checkpoint == 0:
                seen = material.look(self.averaged)
                if seen:
                    self._judge(seen)
                # Logged first: what a kill leaves in the log beyond the checkpoint is cut off, a gap would stay.
                yield {"step": self.step, **seen}
                self._save()
                if self.stopped:
                    return
        self._save()

    @property
    def told(self) -> dict[str, Any]:
        """What a manifest says of how it was trained."""
        said: dict[str, Any] = {"seed": self._plan.seed, "steps": self.step, "data_sha256": self._data}
        return said | ({"stopped_at_step": self.step, "best_step": self.best_step} if self.stopped else {})

    def _judge(self, seen: Mapping[str, float]) -> None:
        """Keep the best weights; stop where none came for long, and take them."""
        known = [value for value in seen.values() if math.isfinite(value)]
        score = sum(known) / len(known) if known else 0.0
        if score > self._best_score:
            self._best_score, self.best_step = score, self.step
            self._best = {name: value.clone() for name, value in self.averaged.state_dict().items()}
        patience = self._plan.schedule.patience
        looks = (self.step - self.best_step) // self._plan.schedule.checkpoint
        if patience and looks >= patience and self._best is not None:
            self.stopped = True
            self.averaged.load_state_dict(self._best)

    def _progress(self) -> float:
        schedule = self._plan.schedule
        share = self.step / schedule.steps
        return max(share, self._seconds / (60 * schedule.minutes)) if schedule.minutes else share

    def _learn(self, batch: Batch, done: float) -> dict[str, float]:
        schedule = self._plan.schedule
        rate = schedule.lr * (0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2)
        rate *= min(1.0, (self.step + 1) / max(1, schedule.warmup))
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        self._optimiser.zero_grad(set_to_none=True)
        shares = [tensor.chunk(len(self._replicas)) for tensor in batch]
        work = [
            self._pool.submit(self._study, replica, tuple(share[index] for share in shares))
            for index, replica in enumerate(self._replicas)
        ]
        parts = [each.result() for each in work]
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 10.0)
        self._optimiser.step()
        _share_statistics(self._replicas)
        keep = min(schedule.average, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for mean, value in zip(
                self.averaged.state_dict().values(), self.net.state_dict().values(), strict=True
            ):
                if mean.is_floating_point():
                    mean.lerp_(value, 1 - keep)
                else:
                    mean.copy_(value)
        return {name: sum(each[name] for each in parts) / len(parts) for name in parts[0]}

    def _study(self, net: nn.Module, batch: Batch) -> dict[str, float]:
        """Add the gradients of one replica's share of a batch. (PyTorch locks each parameter's sum, and two
        summands come to the same in either order.)"""
        given, *answers = batch
        net.train()
        with torch.autocast("cpu", torch.bfloat16, enabled=self._plan.schedule.bfloat16):
            outputs = cast(Tensor, net(given.float().contiguous(memory_format=torch.channels_last)))
        parts = self._task.losses(outputs.float().contiguous(), tuple(answers))
        (torch.stack(list(parts.values())).sum() / len(self._replicas)).backward()
        return {name: float(part.detach()) for name, part in parts.items()}

    def _save(self) -> None:
        """All at once or not at all: a kill leaves the former checkpoint or the new one."""
        state = {
            "recipe": self._plan.text,
            "net": self.net.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "step": self.step,
            "seconds": self._seconds,
            "data": self._data,
            "best": self._best,
            "best_score": self._best_score,
            "best_step": self.best_step,
            "stopped": self.stopped,
        }
        fresh = self._file.with_suffix(".new")
        with fresh.open("wb") as stream:
            torch.save(state, stream)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(self._file)

    def _restore(self) -> None:
        state: Any = torch.load(self._file, weights_only=True)
        if state["recipe"] != self._plan.text:
            raise ConfigError(
                f"{self._file}: was made by another recipe; give the recipe another name or remove the run"
            )
        changed = [path for path, known in state.get("data", {}).items() if self._data.get(path) != known]
        if changed:
            raise ConfigError(
                f"{self._file}: was made from other data in {', '.join(changed)}; bring them back, give the "
                "recipe another name, or remove the run"
            )
        for replica in self._replicas:
            replica.load_state_dict(state["net"])
        self.averaged.load_state_dict(state["averaged"])
        self._optimiser.load_state_dict(state["optimiser"])
        self.step = int(state["step"])
        self._seconds = float(state["seconds"])
        self._best = state.get("best")
        self._best_score = float(state.get("best_score", -math.inf))
        self.best_step = int(state.get("best_step", self.step))
        self.stopped = bool(state.get("stopped", False))


def _replica(net: nn.Module) -> nn.Module:
    """A network with the same parameters, the very tensors, and normalisation statistics of its own."""
    twin = copy.deepcopy(net)
    for mine, theirs in zip(twin.modules(), net.modules(), strict=True):
        for name, parameter in theirs.named_parameters(recurse=False):
            setattr(mine, name, parameter)
    return twin


def _share_statistics(replicas: list[nn.Module]) -> None:
    with torch.no_grad():
        for each in zip(*(replica.buffers() for replica in replicas), strict=True):
            if each[0].is_floating_point():
                mean = torch.stack(each).mean(0)
                for buffer in each:
                    buffer.copy_(mean)


def _groups(net: torch.nn.Module, decay: float) -> list[dict[str, Any]]:
    """Weight decay for the filters alone."""
    filters = [p for p in net.parameters() if p.ndim > 1]
    others = [p for p in net.parameters() if p.ndim <= 1]
    return [{"params": filters, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]


def _batches(material: Material, schedule: Schedule, first: int) -> Iterator[Batch]:
    """Batches ``first`` and on, made ahead beside the training; batch n is always the same."""
    with ThreadPoolExecutor(2) as pool:
        waiting: deque[Future[Batch]] = deque()
        for number in range(first, schedule.steps + _AHEAD):
            waiting.append(pool.submit(_batch, material, schedule.batch, number))
            if len(waiting) >= _AHEAD:
                yield waiting.popleft().result()


def _batch(material: Material, size: int, number: int) -> Batch:
    lessons = [material.lesson(number * size + index) for index in range(size)]
    parts: list[tuple[Array, ...]] = list(zip(*lessons, strict=True))
    return tuple(torch.from_numpy(np.stack(part)) for part in parts)
