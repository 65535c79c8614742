"""What ``touchline analyse`` leaves in a folder: facts into files as they come, whole or not at all."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator
from pathlib import Path
from typing import IO, Any, Self

from touchline.types import Fact, InputError, JsonValue, Packet, StreamInfo

TRACKS, FACTS, SUMMARY = "tracks.txt", "facts.jsonl", "summary.json"
_UNFINISHED = ".part"


class Results:
    """The road's end. Files get their names in `finish`; of what is left without, nothing stays.

    ``frames``: told so far. ``ids``: every track's label, balls' too. ``boxes``: of all tracks and frames.
    ``last_pts``: of the last frame. A frame has the number of its picture in the recording. Entering, `send` and
    `finish` raise `InputError` where the folder cannot be made or written.
    """

    def __init__(self, folder: Path) -> None:
        self.frames = 0
        self.ids: dict[int, str] = {}
        self.boxes = 0
        self.last_pts = 0
        self._folder = folder
        self._made: list[Path] = []
        self._open: list[IO[str]] = []

    def __enter__(self) -> Self:
        new = [folder for folder in (self._folder, *self._folder.parents) if not folder.exists()]
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"{self._folder}: cannot be made ({error.strerror}); name another with --out"
            ) from error
        self._made = new
        try:
            with self._writing():
                self._tracks, self._facts = self._begin(TRACKS), self._begin(FACTS)
        except InputError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Remove what was not finished, and the folders that were made for it."""
        for file in self._open:
            with contextlib.suppress(OSError):  # a full disk, which was told when it was found
                file.close()
            Path(file.name).unlink(missing_ok=True)
        for folder in self._made:
            with contextlib.suppress(OSError):  # others' results are in it
                folder.rmdir()

    def send(self, message: StreamInfo | Packet | Fact, /) -> None:
        """Write a fact; packets have no business here."""
        if not isinstance(message, Fact):
            return
        with self._writing():
            self._facts.write(json.dumps(message.to_json(), separators=(",", ":"), ensure_ascii=False) + "\n")
            if message.kind == "tracks":
                self.frames += 1
                self.last_pts = message.pts
                rows, number = message.data["tracks"], message.data["frame"]
                # For the type checker: the road makes them so.
                assert isinstance(rows, list) and isinstance(number, int)  # noqa: S101, PT018
                for row in rows:
                    self._take(row, number)

    def finish(self, summary: dict[str, Any]) -> None:
        """Write ``summary`` and give the files their names."""
        with self._writing():
            self._begin(SUMMARY).write(json.dumps(summary, indent=2, ensure_ascii=False) + "\n")
            for file in self._open:
                file.close()
            for file in self._open:
                unfinished = Path(file.name)
                unfinished.replace(unfinished.with_name(unfinished.name.removesuffix(_UNFINISHED)))
        self._open, self._made = [], []

    def _begin(self, name: str) -> IO[str]:
        file = (self._folder / f"{name}{_UNFINISHED}").open("w", encoding="utf-8")
        self._open.append(file)
        return file

    def _take(self, row: JsonValue, number: int) -> None:
        assert isinstance(row, dict)  # noqa: S101
        identity, box, score, label = row["id"], row["box"], row["score"], row["label"]
        assert isinstance(identity, int) and isinstance(box, list) and isinstance(label, str)  # noqa: S101, PT018
        self.ids[identity] = label
        self.boxes += 1
        if label == "ball":  # the format has no place for what a box is, and its tools take all for people
            return
        # MOTChallenge: frame from 1, id, left, top, width, height, confidence, and -1 for world coordinates.
        left, top, right, bottom = (float(value) for value in box if isinstance(value, int | float))
        size = f"{right - left:.1f},{bottom - top:.1f}"
        self._tracks.write(f"{number},{identity},{left:.1f},{top:.1f},{size},{score},-1,-1,-1\n")

    @contextlib.contextmanager
    def _writing(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(
                f"{self._folder}: cannot be written ({error.strerror}); free space or name another with --out"
            ) from error
