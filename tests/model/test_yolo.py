"""Folders in YOLO format as their tools write them: all forms are the same data."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.model.scenes import draw_folder
from touchline.model.data.pictures import Picture, read_folder
from touchline.model.data.yolo import class_names, entries, fingerprint, read_labels
from touchline.types import InputError

NAMES = ["ball", "goalkeeper", "player", "referee"]


def plain(folder: Path) -> Path:
    return draw_folder(folder, 6)


def roboflow(folder: Path) -> Path:
    """train/images, valid/images and data.yaml with a list."""
    made = plain(folder / "plain")
    for number, picture in enumerate(sorted((made / "images").iterdir())):
        split = folder / ("train" if number < 4 else "valid")
        for kind, file in (("images", picture), ("labels", made / "labels" / f"{picture.stem}.txt")):
            (split / kind).mkdir(parents=True, exist_ok=True)
            shutil.move(file, split / kind / file.name)
    shutil.rmtree(made)
    (folder / "data.yaml").write_text(f"train: ../train/images\nnc: 4\nnames: {NAMES}\n")
    return folder


def ultralytics(folder: Path) -> Path:
    """images/train, images/val and data.yaml with a table."""
    made = plain(folder)
    for number, picture in enumerate(sorted((made / "images").iterdir())):
        split = "train" if number < 4 else "val"
        for kind, file in (("images", picture), ("labels", made / "labels" / f"{picture.stem}.txt")):
            (made / kind / split).mkdir(exist_ok=True)
            shutil.move(file, made / kind / split / file.name)
    (made / "classes.txt").unlink()
    (made / "data.yaml").write_text(
        "path: .\nnames:\n" + "".join(f"  {n}: {name}\n" for n, name in enumerate(NAMES))
    )
    return made


def told(pictures: list[Picture]) -> dict[str, tuple[list[list[float]], list[int]]]:
    return {each.name: (each.boxes.tolist(), each.kinds.tolist()) for each in pictures}


@pytest.mark.parametrize("form", [roboflow, ultralytics])
def test_every_form_is_the_same_data(form: object, tmp_path: Path) -> None:
    folder = form(tmp_path / "other")  # type: ignore[operator]
    assert class_names(folder) == NAMES
    assert told(list(read_folder(folder))) == told(list(read_folder(plain(tmp_path / "plain"))))
    held = "valid" if form is roboflow else "val/"
    assert len(list(read_folder(folder, only=[held]))) == 2
    assert len(list(read_folder(folder, without=[held]))) == 4
    assert len(list(read_folder(folder, without=["v0"]))) == 4  # by file name, as ever


def test_an_outline_is_the_box_around_it(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("2 0.1 0.2 0.5 0.25 0.3 0.8\n1 0.5 0.5 0.2 0.2\n1 0.5 0.5 0.2 0.2 0.93\n\n")
    rows = read_labels(file, 4)
    np.testing.assert_allclose(rows[0], [2, 0.3, 0.5, 0.4, 0.6], rtol=1e-6)
    np.testing.assert_allclose(rows[1:], [[1, 0.5, 0.5, 0.2, 0.2]] * 2, rtol=1e-6)


@pytest.mark.parametrize(
    "line", ["1 2 3", "1 a 0 0 0", "4 0 0 0 0", "-1 0 0 0 0", "1 nan 0 0 0", "1 0 0 1 0 1 0 1", ""]
)
def test_a_bad_line_is_named(line: str, tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text(f"1 0.5 0.5 0.2 0.2\n{line}\n")
    if not line:
        assert len(read_labels(file, 4)) == 1
        return
    with pytest.raises(InputError, match=r"a\.txt:2: must be"):
        read_labels(file, 4)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nc: 4", "has no 'names'"),
        ("names: {0: a, 2: b}", "has no 'names'"),
        ("names: []", "has no 'names'"),
        ("- a", "has no 'names'"),
        ("names: [a", "cannot be read"),
        ("!!python/object/apply:os.system ['true']", "cannot be read"),
    ],
)
def test_a_bad_data_yaml_is_one_line(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "data.yaml").write_text(text)
    with pytest.raises(InputError, match=words) as caught:
        class_names(tmp_path)
    assert "\n" not in str(caught.value)


def test_class_names_may_hold_spaces(tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("tennis racket\nball\n")
    assert class_names(tmp_path) == ["tennis racket", "ball"]


def test_a_fingerprint_tells_every_change(tmp_path: Path) -> None:
    folder = plain(tmp_path / "set")
    seen = {fingerprint(folder)}
    picture = entries(folder)[0].picture
    (folder / "notes.md").write_text("not read, so not counted")
    assert fingerprint(folder) in seen
    for change in (
        lambda: picture.write_bytes(picture.read_bytes()[:-1]),
        lambda: picture.rename(picture.with_name("z.png")),
        lambda: (folder / "labels" / "z.txt").write_text("0 0.5 0.5 0.1 0.1\n"),
        lambda: (folder / "classes.txt").write_text("ball\nplayer\ngoalkeeper\nreferee\n"),
    ):
        change()
        assert fingerprint(folder) not in seen
        seen.add(fingerprint(folder))
