"""RTSP over TCP, spoken by ourselves.

FFmpeg's reader knows that a picture is complete only when the next begins, which costs one picture's time
(40 ms at 25 Hz, a second at 1 Hz), and it looks at a stream for a second before it gives the first. The
marker of RTP says it at once. What this client does not speak (UDP, other codecs) FFmpeg still does.
"""

from touchline.media.sources.rtsp.source import RtspSource

__all__ = ["RtspSource"]
