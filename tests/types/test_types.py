"""What travels: shapes are checked once, at construction, and ids are what they claim to be."""

import uuid

import numpy as np
import pytest

from touchline.types import Detections, Fact, Frame, InputError, ShapeError, SourceError, Tracks, fact_id


def test_detections_name_expected_and_actual_shape() -> None:
    with pytest.raises(ShapeError, match=r"Detections.scores must be float32 \(2,\), is float32 \(3,\)"):
        Detections(np.zeros((2, 4), np.float32), np.zeros(3, np.float32), np.zeros(2, np.int16), ("player",))


def test_detections_refuse_another_dtype() -> None:
    with pytest.raises(ShapeError, match="float64"):
        Detections(np.zeros((1, 4)), np.zeros(1, np.float32), np.zeros(1, np.int16), ("player",))  # type: ignore[arg-type]


def test_detections_by_mask() -> None:
    boxes = np.arange(8, dtype=np.float32).reshape(2, 4)
    both = Detections(boxes, np.array([0.5, 0.9], np.float32), np.array([0, 1], np.int16), ("a", "b"))
    kept = both[both.scores > 0.6]
    assert len(kept) == 1
    assert kept.boxes.tolist() == [[4, 5, 6, 7]]
    assert kept.labels == ("a", "b")


def test_tracks_refuse_rows_that_do_not_match() -> None:
    with pytest.raises(ShapeError, match=r"Tracks.boxes"):
        Tracks(
            np.zeros(2, np.int32),
            np.zeros((1, 4), np.float32),
            np.zeros(2, np.float32),
            np.zeros(2, np.int16),
            np.zeros(2, np.bool_),
            ("player",),
        )


@pytest.mark.parametrize(("height", "width"), [(4, 6), (5, 7), (1, 1)])
def test_frame_takes_odd_sizes(height: int, width: int) -> None:
    chroma = np.zeros(((height + 1) // 2, (width + 1) // 2), np.uint8)
    frame = Frame(0, np.zeros((height, width), np.uint8), chroma, chroma)
    assert (frame.width, frame.height) == (width, height)


def test_frame_refuses_chroma_of_full_size() -> None:
    plane = np.zeros((4, 6), np.uint8)
    with pytest.raises(ShapeError, match=r"must be \(2, 3\), are \(4, 6\)"):
        Frame(0, plane, plane, plane)


def test_fact_ids_are_uuid_7_and_sort_by_time() -> None:
    first, second = fact_id(1_700_000_000_000), fact_id(1_700_000_000_001)
    assert uuid.UUID(first).version == 7
    assert uuid.UUID(first).variant == uuid.RFC_4122
    assert uuid.UUID(first).int >> 80 == 1_700_000_000_000
    assert first < second


def test_fact_public_form_has_seconds() -> None:
    fact = Fact("i", "north", "tracks", 45_000, {"width": 2})
    assert fact.to_json() == {
        "id": "i",
        "camera": "north",
        "kind": "tracks",
        "media_time": 0.5,
        "match_time": None,
        "width": 2,
    }


def test_source_error_is_one_line_of_where_what_and_remedy() -> None:
    error = SourceError("rtsp://cam/1", "nobody answers", "check the address")
    assert str(error) == "rtsp://cam/1: nobody answers; check the address"
    assert str(SourceError("test:", "is live", "name a file")) == "test: is live; name a file"
    assert isinstance(error, InputError)
