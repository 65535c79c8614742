"""Training of the athlete detector: resumable, the same from the same recipe."""

from __future__ import annotations

import copy
import json
import math
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import torch
from torch import Tensor

from touchline.model.data.lessons import Lesson, Source, Teacher
from touchline.model.data.pictures import Picture, read_folder
from touchline.model.finish import finish
from touchline.model.loss import athlete_loss
from touchline.model.nets.athlete import AthleteNet
from touchline.model.probe import probe
from touchline.model.recipe import Recipe, Schedule, read_recipe
from touchline.types.errors import ConfigError

Batch = tuple[Tensor, ...]
_AHEAD = 4


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def train(recipe: Path, runs: Path, say: Callable[[str], None] = _say) -> Path:
    """Train as the recipe says → the run's folder, ``runs``/name: checkpoint.pt, log.jsonl and, in the end,
    artifact/, which is a detector to name in venue.toml. ``say`` hears how it goes, by default on stderr.

    A run that was stopped, even by kill -9, goes on from its last checkpoint as if nothing had been.
    Raises `ConfigError` for a bad recipe or one that a checkpoint in that folder was not made by.
    """
    plan = read_recipe(recipe)
    folder = runs / plan.name
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(plan.seed)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    run = Run(plan, folder / "checkpoint.pt")
    sources, held = read_sources(plan)
    teacher = Teacher(sources, plan.style, plan.seed)
    with (folder / "log.jsonl").open("a", encoding="utf-8") as log:
        for entry in run.go(teacher, held):
            log.write(json.dumps(entry) + "\n")
            log.flush()
            say("  ".join(f"{name} {value:g}" for name, value in entry.items()))
    say(f"the detector is in {finish(folder, plan, sources, held)}")
    return folder


def read_sources(plan: Recipe) -> tuple[list[Source], list[Picture]]:
    """The recipe's pictures to learn from, and those held for checking."""
    sources: list[Source] = []
    held: list[Picture] = []
    for each in plan.sets:
        folder = plan.data / each.path
        pictures = list(read_folder(folder, each.classes, without=each.held))
        sources.append(Source(pictures, each.share, each.people, each.balls))
        if each.held and each.scored:
            held += read_folder(folder, each.classes, only=each.held)
    return sources, held


class Run:
    """The state of a training run, all of it in its checkpoint."""

    def __init__(self, plan: Recipe, file: Path) -> None:
        self._plan = plan
        self._file = file
        spec = plan.net
        self.net = AthleteNet(spec.widths, spec.depths, spec.head)
        cast(Any, self.net).to(memory_format=torch.channels_last)
        self.averaged = AthleteNet(spec.widths, spec.depths, spec.head)
        if plan.schedule.start:
            start: Any = torch.load(plan.schedule.start, weights_only=True)
            self.net.load_state_dict(start["averaged"])
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

    def go(self, teacher: Teacher, held: list[Picture]) -> Iterator[dict[str, Any]]:
        """Train to the end; yields what to log."""
        schedule = self._plan.schedule
        began = time.monotonic() - self._seconds
        sums: dict[str, float] = {}
        for batch in _batches(teacher, schedule, self.step):
            self._seconds = time.monotonic() - began
            done = self._progress()
            if done >= 1:
                break
            parts = self._learn(batch, done)
            for name, part in parts.items():
                sums[name] = sums.get(name, 0.0) + part
            self.step += 1
            if self.step % 50 == 0:
                yield {
                    "step": self.step,
                    "minutes": round(self._seconds / 60, 2),
                    "done": round(done, 4),
                    **{name: round(value / 50, 4) for name, value in sums.items()},
                }
                sums = {}
            if self.step % schedule.checkpoint == 0:
                self._save()
                if held:
                    yield {"step": self.step, **probe(self.averaged, held, self._plan.style.width)}
        self._save()

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

    def _study(self, net: AthleteNet, batch: Batch) -> dict[str, float]:
        """Add the gradients of one replica's share of a batch. (PyTorch locks each parameter's sum, and two
        summands come to the same in either order.)"""
        planes, heat, care, roles, boxes, near = batch
        net.train()
        with torch.autocast("cpu", torch.bfloat16, enabled=self._plan.schedule.bfloat16):
            maps = cast(Tensor, net(planes.float().contiguous(memory_format=torch.channels_last)))
        parts = athlete_loss(
            maps.float().contiguous(),
            heat,
            care,
            roles,
            boxes,
            near,
            ball_weight=self._plan.schedule.ball_weight,
            role_weights=torch.tensor(self._plan.schedule.role_weights),
        )
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
        for replica in self._replicas:
            replica.load_state_dict(state["net"])
        self.averaged.load_state_dict(state["averaged"])
        self._optimiser.load_state_dict(state["optimiser"])
        self.step = int(state["step"])
        self._seconds = float(state["seconds"])


def _replica(net: AthleteNet) -> AthleteNet:
    """A network with the same parameters, the very tensors, and normalisation statistics of its own."""
    twin = copy.deepcopy(net)
    for mine, theirs in zip(twin.modules(), net.modules(), strict=True):
        for name, parameter in theirs.named_parameters(recurse=False):
            setattr(mine, name, parameter)
    return twin


def _share_statistics(replicas: list[AthleteNet]) -> None:
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


def _batches(teacher: Teacher, schedule: Schedule, first: int) -> Iterator[Batch]:
    """Batches ``first`` and on, made ahead beside the training; batch n is always the same."""
    with ThreadPoolExecutor(2) as pool:
        waiting: deque[Future[Batch]] = deque()
        for number in range(first, schedule.steps + _AHEAD):
            waiting.append(pool.submit(_batch, teacher, schedule.batch, number))
            if len(waiting) >= _AHEAD:
                yield waiting.popleft().result()


def _batch(teacher: Teacher, size: int, number: int) -> Batch:
    lessons = [teacher.lesson(number * size + index) for index in range(size)]
    return tuple(
        torch.from_numpy(np.stack([getattr(lesson, name) for lesson in lessons]))
        for name in Lesson.__dataclass_fields__
    )
