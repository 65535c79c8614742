"""The tracker's score against hand-made MOTChallenge folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from touchline.model.evaluate_tracker import Labelled, evaluate_tracker, read_sequences, score
from touchline.types import InputError

FRAMES = 50


def rows(identified: bool) -> list[str]:
    """Three people who walk in parallel, 40 × 100 px."""
    return [
        f"{f},{who if identified else -1},{100 + 300 * who + 3 * f},200,40,100,1,1,1"
        for f in range(1, FRAMES + 1)
        for who in range(3)
    ]


def folder(
    at: Path, *, det: list[str] | None = None, gt: list[str] | None = None, info: str | None = None
) -> Path:
    (at / "det").mkdir(parents=True)
    (at / "gt").mkdir()
    (at / "det" / "det.txt").write_text("\n".join(rows(False) if det is None else det))
    (at / "gt" / "gt.txt").write_text("\n".join(rows(True) if gt is None else gt))
    (at / "seqinfo.ini").write_text(info or f"[Sequence]\nname=x\nframeRate=25\nseqLength={FRAMES}\n")
    return at


def walk(numbers: list[list[int]]) -> list[Labelled]:
    """Two people far apart who stand still, with these numbers frame by frame."""
    boxes = np.array([[0, 0, 40, 100], [500, 0, 540, 100]], np.float64)
    return [Labelled(np.array(pair), boxes) for pair in numbers]


def test_perfect_tracks_score_100() -> None:
    truth = walk([[1, 2]] * 10)
    assert score([truth], [walk([[8, 9]] * 10)]) == {"hota": 100, "assa": 100, "idf1": 100, "id_switches": 0}


def test_numbers_swapped_half_way_score_half() -> None:
    found = score([walk([[1, 2]] * 10)], [walk([[1, 2]] * 5 + [[2, 1]] * 5)])
    assert found["idf1"] == pytest.approx(50)
    assert found["id_switches"] == 2
    assert found["assa"] == pytest.approx(100 / 3)  # of each pair 5 true, 5 false, 5 missed
    assert found["hota"] == pytest.approx(100 / 3**0.5)


def test_sequences_count_by_their_boxes_and_nothing_found_scores_nothing() -> None:
    truth = walk([[1, 2]] * 10)
    nobody = [Labelled(np.zeros(0, np.int64), np.zeros((0, 4)))] * 10
    assert score([truth], [nobody])["hota"] == 0
    both = score([truth, truth], [walk([[1, 2]] * 10), nobody])
    assert both["assa"] == pytest.approx(100)
    assert both["hota"] == pytest.approx(100 * 0.5**0.5)
    assert both["idf1"] == pytest.approx(200 / 3)


@pytest.mark.parametrize("stride", [1, 5])
def test_perfect_detections_of_a_new_scene_lose_nothing(tmp_path: Path, stride: int) -> None:
    folder(tmp_path / "one")
    folder(tmp_path / "two")
    found = evaluate_tracker(tmp_path, stride)
    assert set(found) == {"hota", "assa", "idf1", "id_switches", "us_per_update", "hota_smoothed"}
    assert found["idf1"] == pytest.approx(100, abs=1e-6)
    assert found["hota"] == pytest.approx(100, abs=4)
    assert found["id_switches"] == 0
    assert found["us_per_update"] > 0


def test_one_sequence_may_be_given_directly_and_the_stride_counts_from_the_first_frame(tmp_path: Path) -> None:
    odd = [row for row in rows(False) if int(row.split(",")[0]) % 2 == 1]
    one = folder(tmp_path / "one", det=odd)
    assert evaluate_tracker(one, 2)["idf1"] > 95
    assert [len(d) for d in read_sequences(one)[0].detections[:4]] == [3, 0, 3, 0]


def test_the_pictures_size_is_read_where_it_is_told(tmp_path: Path) -> None:
    info = f"[Sequence]\nframeRate=25\nseqLength={FRAMES}\n"
    assert read_sequences(folder(tmp_path / "untold", info=info))[0].size is None
    told = folder(tmp_path / "told", info=info + "imWidth=1280\nimHeight=720\n")
    assert read_sequences(told)[0].size == (1280, 720)


def test_with_hindsight_who_went_unseen_for_a_while_is_drawn(tmp_path: Path) -> None:
    det = [row for k, row in enumerate(rows(False)) if k % 3 != 1 or not 15 <= k // 3 < 30]  # the second of three
    found = evaluate_tracker(folder(tmp_path / "one", det=det))
    assert found["hota_smoothed"] > found["hota"] + 1


def test_what_the_benchmark_does_not_score_is_left_out(tmp_path: Path) -> None:
    gt = [*rows(True), "1,7,0,0,40,100,0,1,1", "1,8,0,0,40,100,1,7,1"]
    assert len(read_sequences(folder(tmp_path / "one", gt=gt))[0].truth[0].ids) == 3


def test_short_rows_and_scores_beyond_one_are_taken(tmp_path: Path) -> None:
    det = ["1,-1,0,0,40,100", "1,-1,200,0,40,100,-1", "1,-1,400,0,40,100,37.5", "1,-1,600,0,40,100,0.25,-1,-1,-1"]
    found = read_sequences(folder(tmp_path / "one", det=det))[0].detections[0]
    assert found.scores.tolist() == [1, 1, 1, 0.25]
    assert found.boxes[3].tolist() == [600, 0, 640, 100]


def test_an_empty_detection_file_is_a_detector_that_saw_nobody(tmp_path: Path) -> None:
    assert evaluate_tracker(folder(tmp_path / "one", det=[]), 1)["hota"] == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"det": ["1,-1,5,5,40"]}, r"det\.txt, line 1: expected six finite numbers"),
        ({"det": [*rows(False), "2,-1,a,5,40,100"]}, r"det\.txt, line 151: could not convert"),
        ({"det": ["1,-1,nan,5,40,100"]}, r"det\.txt, line 1: expected six finite"),
        ({"det": ["51,-1,5,5,40,100"]}, r"frame 51 is not one of 1 to 50"),
        ({"det": ["1,-1,5,5,0,100"]}, r"width and height must be above 0"),
        ({"gt": [*rows(True), rows(True)[0]]}, r"gt\.txt: id 0 has more than one box in frame 1"),
        ({"info": "[Sequence]\nframeRate=25\n"}, r"seqinfo\.ini: No option 'seqlength'"),
        ({"info": "[Sequence]\nframeRate=fast\nseqLength=50\n"}, r"seqinfo\.ini: could not convert"),
        ({"info": "[Sequence]\nframeRate=0\nseqLength=50\n"}, r"must be above 0"),
        ({"info": "no section"}, r"seqinfo\.ini: File contains no section headers"),
    ],
)
def test_what_is_malformed_is_told_in_one_line(tmp_path: Path, change: dict[str, object], message: str) -> None:
    folder(tmp_path / "one", **change)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=message) as error:
        evaluate_tracker(tmp_path, 1)
    assert "\n" not in str(error.value)


def test_what_is_missing_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        evaluate_tracker(tmp_path / "nowhere", 1)
    with pytest.raises(InputError, match=r"no folder with a seqinfo\.ini"):
        evaluate_tracker(tmp_path, 1)
    one = folder(tmp_path / "one")
    with pytest.raises(InputError, match="--stride must be at least 1"):
        evaluate_tracker(tmp_path, 0)
    (one / "det" / "det.txt").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(InputError, match="not a text file"):
        evaluate_tracker(tmp_path, 1)
    (one / "det" / "det.txt").unlink()
    with pytest.raises(InputError, match=r"det\.txt: missing"):
        evaluate_tracker(tmp_path, 1)
