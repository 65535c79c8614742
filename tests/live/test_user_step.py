"""The user's own step: called as promised, and its faults cost no picture."""

from pathlib import Path

import numpy as np
import pytest

from touchline.live.user_step import Context, UserStep
from touchline.types import ConfigError, Tracks

IMAGE = np.full((48, 64, 3), 7, np.uint8)
CONTEXT = Context("north", 1.5, Tracks.empty(("player",)))


def step(folder: Path, body: str, name: str = "process_frame") -> UserStep:
    (folder / "my.py").write_text(body)
    return UserStep(f"{folder / 'my.py'}:{name}")


def test_picture_and_context_go_in_any_size_comes_out(tmp_path: Path) -> None:
    made = step(
        tmp_path,
        "import cv2\n"
        "def process_frame(frame, context):\n"
        "    assert context.camera == 'north' and context.time == 1.5 and len(context.tracks) == 0\n"
        "    return cv2.resize(frame, (800, 600))\n",
    )(IMAGE.copy(), CONTEXT)
    assert made is not None
    assert made.shape == (600, 800, 3)


def test_one_parameter_is_enough(tmp_path: Path) -> None:
    made = step(tmp_path, "def process_frame(frame):\n    return 255 - frame\n")(IMAGE.copy(), CONTEXT)
    assert made is not None
    assert (made == 248).all()


def test_none_means_drawn_in_place(tmp_path: Path) -> None:
    made = step(tmp_path, "def process_frame(frame):\n    frame[:] = 9\n")(IMAGE.copy(), CONTEXT)
    assert made is not None
    assert (made == 9).all()


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("def process_frame(frame):\n    raise RuntimeError('boom\\nand more')\n", "RuntimeError: boom; "),
        ("def process_frame(frame):\n    assert False\n", "AssertionError: ; "),
        ("import sys\ndef process_frame(frame):\n    sys.exit()\n", "SystemExit: ; "),
        ("def process_frame(frame):\n    return 'no picture'\n", "must return an array, returned str; "),
        ("def process_frame(frame):\n    return frame[:, :, 0]\n", "returned uint8 (48, 64); "),
        ("def process_frame(frame):\n    return frame.astype('float32')\n", "returned float32 (48, 64, 3); "),
    ],
    ids=["raises", "asserts", "exits", "no array", "grey", "float"],
)
def test_a_fault_is_shown_once_and_pictures_pass(
    tmp_path: Path, body: str, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    faulty = step(tmp_path, body)
    assert faulty(IMAGE.copy(), CONTEXT) is None
    shown = capsys.readouterr().err
    *traceback, line = shown.splitlines()
    assert line == f"north: {faulty.error}"
    assert line.startswith(f"north: --process {tmp_path / 'my.py'}:process_frame: ")
    assert what in line
    assert "pictures pass untouched" in line
    assert "user_step.py" not in shown, "our own lines tell the user nothing"
    assert bool(traceback) == ("return " not in body)
    assert not traceback or f"{tmp_path / 'my.py'}" in shown
    assert faulty(IMAGE.copy(), CONTEXT) is None
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("spec", "what"),
    [
        ("nothing", "FILE.py:FUNCTION"),
        ("missing.py:f", "no file"),
        ("{folder}/my.py:absent", "no function absent"),
        ("{folder}/my.py:three", "must take"),
        ("{folder}/my.py:none", "must take"),
        ("{folder}/my.py:named", "must take"),
        ("{folder}/broken.py:f", "does not load"),
    ],
)
def test_a_bad_spec_is_one_line(tmp_path: Path, spec: str, what: str) -> None:
    (tmp_path / "my.py").write_text("def three(a, b, c): ...\ndef none(): ...\ndef named(a, *, scale): ...\n")
    (tmp_path / "broken.py").write_text("import no_such_module_at_all\n")
    with pytest.raises(ConfigError, match=what) as caught:
        UserStep(spec.format(folder=tmp_path))
    assert "\n" not in str(caught.value)
