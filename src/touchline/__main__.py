"""Where ``touchline`` and ``python -m touchline`` begin: nothing heavy is loaded before Ctrl-C is seen to."""

from __future__ import annotations

import os
import signal
from types import FrameType

EXIT_INTERRUPTED = 130


def main() -> None:
    """Run the command line. Ctrl-C ends it with 130 and without a word, also while libraries are loading."""
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:  # as of a job in the background
        # Nothing is begun yet that would want to be tidied up, and a KeyboardInterrupt amid an import may be
        # printed and forgotten.
        signal.signal(signal.SIGINT, _leave)
    from touchline.app.cli import main as command_line

    try:
        signal.signal(signal.SIGINT, before)
        command_line()
    except (KeyboardInterrupt, ImportError) as error:
        if not _interrupted(error):
            raise
        raise SystemExit(EXIT_INTERRUPTED) from None


def _leave(_number: int, _frame: FrameType | None) -> None:
    os._exit(EXIT_INTERRUPTED)


def _interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C is behind ``error``: libraries in C that it meets while loading raise ImportError from it."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


if __name__ == "__main__":
    main()
