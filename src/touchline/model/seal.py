"""The end of compiling, whatever it was compiled from: a draft is run, judged and measured, or never seen."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

from touchline.runtime import golden, manifest
from touchline.runtime.golden import Sample
from touchline.runtime.measure import measure
from touchline.runtime.verify import verify
from touchline.types.errors import ConfigError


@contextlib.contextmanager
def drafting(folder: Path) -> Generator[Path]:
    """A scratch folder of the same name beside ``folder``, gone at the end. Raises `ConfigError` where ``folder``
    exists already or cannot be made there."""
    if folder.exists():
        raise ConfigError(f"{folder}: exists already; name another folder or remove it")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-")
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written ({error.strerror}); name another place") from error
    with work as scratch:
        draft = Path(scratch) / folder.name
        draft.mkdir()
        yield draft


def seal(
    draft: Path, folder: Path, said: dict[str, Any], file: str, samples: Sequence[Sample]
) -> manifest.Artifact:
    """`prove` a draft and move it to ``folder``; nothing is moved where it answers otherwise (`CheckFailed`)."""
    prove(draft, said, file, samples)
    shutil.move(draft, folder)
    return manifest.read(folder)


def prove(folder: Path, said: dict[str, Any], file: str, samples: Sequence[Sample]) -> None:
    """Make ``folder``, which holds the model in ``file``, an artifact that was verified and measured here.

    ``said``: its manifest so far. ``samples``: real inputs and the float model's answers to them. Raises
    `CheckFailed` where the file answers otherwise.
    """
    golden.write(folder / golden.FILE, samples)
    files = [file, golden.FILE]
    manifest.write(folder, said, files)
    # From here on as on a device: what was written is loaded, run and judged.
    said["verified"] = verify(folder).require().as_dict()
    manifest.write(folder, said, files)
    (measured,) = measure([folder])
    said["measured"] = {key: value for key, value in measured.as_dict().items() if key != "name"}
    manifest.write(folder, said, files)
