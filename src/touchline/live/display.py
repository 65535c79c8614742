"""The local window of ``--display``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchline.types import ConfigError


class Window:
    """A window on this machine's screen. ``q``, Escape or the window's own button close it.

    All calls must come from one thread, the one that made it: SDL's rule.
    """

    def __init__(self, title: str) -> None:
        """Raises `ConfigError` where there is no screen or no SDL."""
        try:
            import pygame
        except ImportError as error:
            raise ConfigError(
                "--display: needs pygame-ce, which is not installed; "
                "in a clone: .venv/bin/pip install -e '.[display]'"
            ) from error
        self._pygame: Any = pygame
        self._title = title
        self._screen: Any = None
        try:
            pygame.display.init()
        except pygame.error as error:
            raise ConfigError(
                f"--display: no screen to open a window on ({error}); set DISPLAY, or leave --display out"
            ) from error
        pygame.display.set_caption(f"{title} · q closes")

    def show(self, image: NDArray[np.uint8]) -> None:
        """Show ``image``, uint8 (H, W, 3) RGB."""
        pygame = self._pygame
        height, width = image.shape[:2]
        if self._screen is None:
            self._screen = pygame.display.set_mode((width, height), pygame.RESIZABLE)
        surface = pygame.image.frombuffer(np.ascontiguousarray(image), (width, height), "RGB")
        if self._screen.get_size() != (width, height):
            surface = pygame.transform.scale(surface, self._screen.get_size())
        self._screen.blit(surface, (0, 0))
        pygame.display.flip()

    def wants_to_close(self) -> bool:
        """Whether the user has asked for it. To be called several times a second, or the desktop takes the window
        for hung."""
        pygame = self._pygame
        for event in pygame.event.get():
            closing = event.type == pygame.QUIT
            if closing or (event.type == pygame.KEYDOWN and event.key in (pygame.K_q, pygame.K_ESCAPE)):
                return True
        return False

    def close(self) -> None:
        """Take the window off the screen."""
        self._pygame.display.quit()
