"""What the composition root does to the process it runs in."""

from __future__ import annotations

import resource

from touchline.app.wire import OPEN_FILES, allow_open_files


def test_a_box_may_open_as_many_files_as_its_viewers_take() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        allow_open_files()
        raised, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        assert raised == (OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
        allow_open_files()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == raised
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
