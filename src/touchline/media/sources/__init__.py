"""Where packets come from: one file per way in, `open_source` chooses."""

from touchline.media.sources.location import Kind, Location, redact
from touchline.media.sources.open import open_source
from touchline.media.sources.source import Source, Traits

__all__ = ["Kind", "Location", "Source", "Traits", "open_source", "redact"]
