"""THE LOOP FROM CLOUD TO EDGE: a venue's videos, labelled by a big teacher → the small student, trained for it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from touchline.model.data.pictures import Picture, read_folder
from touchline.model.data.survey import pick, survey
from touchline.model.data.venue import Shot, Video, choose, find_videos, plan_shots
from touchline.model.difference import on_pictures
from touchline.model.evaluate_detector import look, rate
from touchline.model.export import load_checkpoint, seen_planes, write_artifact
from touchline.model.nets.athlete import AthleteNet
from touchline.model.restore import restore, unfold
from touchline.model.specialise_recipe import Effort, read_detector_recipe, shape_of, write_recipe
from touchline.model.tasks.detector import read_sources
from touchline.model.train import Moved, train
from touchline.runtime import golden, manifest, shelf
from touchline.runtime.gate import Decision, Gaps, gate
from touchline.types.errors import ConfigError, InputError
from touchline.vision.detect import load_detector

TEACHER_SCORE = 0.15
"""Confidence from which a teacher's box counts at all; below `borrow`'s it is unsure."""
_SETTLE = 8
"""Frames of the venue that a student's normalisations are put back on."""
_VENUE, _HELD, _START = "venue", "held", "start.pt"


@dataclass(frozen=True, slots=True)
class Specialised:
    """What came of it. ``learnt_from``, ``held``: frames. ``disagreement``: people that only one of teacher and
    student saw, a frame: of all looked at, and of those learnt from. ``accuracy``: of the student ``before`` and
    ``after``, on what was held. The artifact is for use where ``decision`` passed."""

    artifact: Path
    learnt_from: int
    held: int
    disagreement: tuple[float, float]
    accuracy: dict[str, dict[str, float]]
    decision: Decision

    def as_dict(self) -> dict[str, Any]:
        """For JSON, which has no NaN: what nothing was labelled for is left out."""
        return asdict(self) | {"artifact": str(self.artifact), "decision": self.decision.as_dict()}


def specialise(
    teacher: str,
    video: Path,
    student: str = "athlete",
    out: Path | None = None,
    *,
    effort: Effort | None = None,
    recipe: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
    watch: Callable[[Moved], None] = lambda _: None,
) -> Specialised:
    """Train ``student`` for the venue that the videos in ``video`` show, taught by ``teacher``, and gate it.

    ``teacher``: a detector as `load_detector` takes it. ``student``: a shipped name, an artifact's folder or a
    run's. ``out``: a run's folder, by default runs/STUDENT-VENUE; one that was cut off, even by kill -9, goes on.
    ``recipe``: what the student was trained by, whose sets are learnt from again (replay), so that it does not
    forget, and whose held pictures the gate asks for, too.

    Raises `InputError` for videos, `ModelError` for models, `ConfigError` for a recipe, or for an ``out`` that
    another call made.
    """
    effort = effort or Effort()
    # All that can be wrong with what was given is found out before the hours of work.
    old, checkpoint = _student(student)
    net = load_checkpoint(checkpoint) if checkpoint else restore(old)
    big, small = load_detector(teacher, options={"score": TEACHER_SCORE}), load_detector(old)
    videos = find_videos(video)
    if recipe:
        read_detector_recipe(recipe)
    out = out or Path("runs") / f"{student.strip('/').rsplit('/', 1)[-1]}-{video.resolve().stem}"
    _claim(out, _job(teacher, old, checkpoint, videos, effort, recipe))
    shots = plan_shots(videos, effort.budget)
    seen = survey(shots, big, small, out / "frames", say)
    shots = [shot for shot in shots if shot.name in seen]
    open_, held = ([shot for shot in shots if shot.held == part] for part in (False, True))
    if not open_ or not held:
        raise InputError(f"{video}: too few frames can be decoded; bring longer videos, or whole ones")
    chosen = choose(open_, [seen[shot.name] for shot in open_], effort.budget)
    pick(out / "frames", chosen, out / _VENUE)
    pick(out / "frames", held, out / _HELD)
    mean = _mean(seen, [*open_, *held]), _mean(seen, chosen)
    say(f"learns from {len(chosen)} frames, {mean[1]:.1f} people a frame in dispute ({mean[0]:.1f} on all)")
    if not (out / _START).is_file():
        if not checkpoint:
            unfold(net, _planes(out / _VENUE, small.width))
        _write_start(out / _START, net)
    write_recipe(out / "recipe.toml", out / _VENUE, out / _START, net, small.width, effort, recipe)
    train(out / "recipe.toml", out.resolve().parent, say, watch)
    new = out / "artifact"
    accuracy = _complete(new, out / "checkpoint.pt", old, list(read_folder(out / _HELD)))
    decision = gate(new, old, difference=_difference(list(read_folder(out / _HELD)), recipe))
    done = Specialised(new, len(chosen), len(held), mean, accuracy, decision)
    (out / "gate.json").write_text(json.dumps(done.as_dict(), indent=2) + "\n", "utf-8")
    return done


def _student(student: str) -> tuple[Path, Path | None]:
    """The artifact to be replaced, and the checkpoint it came from, where there is one."""
    path = Path(student)
    if (path / "checkpoint.pt").is_file() and (path / "artifact" / "manifest.json").is_file():
        return path / "artifact", path / "checkpoint.pt"
    folder = shelf.find(student)
    if not folder.is_dir():
        raise ConfigError(f"{student}: is a file; a student is a name, an artifact's folder or a run's")
    return folder, None


def _job(
    teacher: str, old: Path, checkpoint: Path | None, videos: Sequence[Video], effort: Effort, recipe: Path | None
) -> dict[str, Any]:
    """All that the outcome hangs on, to know a run again by."""
    path = shelf.find(teacher)
    return {
        "teacher": manifest.read(path).manifest["content"] if path.is_dir() else manifest.sha256(path),
        "student": manifest.read(old).manifest["content"],
        "checkpoint": manifest.sha256(checkpoint) if checkpoint else None,
        "videos": [[str(each.path), each.frames, each.path.stat().st_size] for each in videos],
        "effort": asdict(effort),
        "recipe": hashlib.sha256(recipe.read_bytes()).hexdigest() if recipe else None,
    }


def _claim(out: Path, job: dict[str, Any]) -> None:
    """Make ``out`` this job's, or see that it is. Raises `ConfigError` where it is another's."""
    file = out / "job.json"
    said = json.dumps(job, indent=2) + "\n"
    fresh = file.with_suffix(".new")
    if file.is_file() and file.read_text("utf-8") == said:
        return
    if out.exists() and (not out.is_dir() or any(each != fresh for each in out.iterdir())):
        raise ConfigError(f"{out}: holds another run; name another --out, or remove it")
    out.mkdir(parents=True, exist_ok=True)
    fresh.write_text(said, "utf-8")
    fresh.replace(file)


def _mean(seen: Mapping[str, int], shots: Sequence[Shot]) -> float:
    return round(sum(seen[shot.name] for shot in shots) / len(shots), 3)


def _write_start(file: Path, net: AthleteNet) -> None:
    """The student's float weights, as a checkpoint to start from."""
    fresh = file.with_suffix(".new")
    torch.save({"recipe": f"[[sets]]\n[net]\n{shape_of(net)}", "averaged": net.state_dict()}, fresh)
    fresh.replace(file)


def _planes(folder: Path, width: int) -> torch.Tensor:
    """A few of a folder's pictures, of one size, as the network sees them: floats (N, 6, H/2, W/2)."""
    pictures = list(read_folder(folder))
    planes = [seen_planes(each.frame, width) for each in pictures[:: max(1, len(pictures) // _SETTLE)]]
    alike = [each for each in planes if each.shape == planes[0].shape]
    return torch.cat([torch.from_numpy(each) for each in alike]).float()


def _complete(new: Path, checkpoint: Path, old: Path, held: Sequence[Picture]) -> dict[str, dict[str, float]]:
    """Give the artifact the student's own settings and proof inputs (so that the two are measured alike, and no
    picture of the venue goes out with it) → what both score on what was held."""
    found = {
        name: {metric: round(value, 4) for metric, value in rate(look(each, held), held).items() if value == value}
        for name, each in (("before", old), ("after", new))
    }
    said = dict(manifest.read(new).manifest)
    reading = load_detector(old).reading
    facts = {key: said[key] for key in ("name", "task", "parameters", "trained")}
    facts["accuracy"] = {"pictures": len(held), "truth": "the teacher's own labels", **found["after"]}
    write_artifact(
        new,
        load_checkpoint(checkpoint),
        (),
        facts,
        width=reading.width,
        score=reading.score,
        ball_score=reading.ball_score,
        proof_planes=[sample.inputs[0] for sample in golden.read(old / golden.FILE)],
    )
    return found


def _difference(held: Sequence[Picture], recipe: Path | None) -> Callable[[Path, Path], Gaps]:
    """On the venue's held frames, and on the recipe's held pictures."""
    sets = {"venue": held}
    if recipe and (others := read_sources(read_detector_recipe(recipe))[1]):
        sets["recipe"] = others

    def compare(new: Path, old: Path) -> Gaps:
        return {
            f"{name}: {metric}": gap
            for name, pictures in sets.items()
            for metric, gap in on_pictures(pictures)(new, old).items()
        }

    return compare
