"""memory.svg: the arena over time. Across: the steps; upwards: bytes; each block a buffer where it lies."""

from __future__ import annotations

from xml.sax.saxutils import escape

from touchline.tiny.arrange import Arrangement

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 1000, 480, 70, 40, 34
_COLOURS = ("#4e79a7", "#59a14f", "#edc948", "#b07aa1", "#76b7b2", "#9c755f", "#f28e2b", "#86bcb6")


def memory_svg(arrangement: Arrangement, core: str) -> str:
    steps = max(1, len(arrangement.steps))
    size = max(1, arrangement.bytes)
    across = (_WIDTH - _LEFT - 10) / steps
    upwards = (_HEIGHT - _TOP - _BOTTOM) / size

    def y(at: int) -> float:
        return _HEIGHT - _BOTTOM - at * upwards

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        'font-size="11">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        f'<text x="{_LEFT}" y="20" font-size="14">{escape(arrangement.graph.name)}, {core}: '
        f"{arrangement.bytes:,} bytes of RAM{_proof(arrangement)}</text>",
    ]
    for tick in range(5):
        at = size * tick // 4
        parts.append(f'<text x="{_LEFT - 6}" y="{y(at) + 4:.1f}" text-anchor="end">{at:,}</text>')
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH - 10}" y1="{y(at):.1f}" y2="{y(at):.1f}" stroke="#dddddd"/>')
    for number, span in enumerate(arrangement.spans):
        x, width = _LEFT + span.first * across, (span.last - span.first + 1) * across
        colour = _COLOURS[number % len(_COLOURS)] if span.tensors else "#c0c0c0"
        parts.append(
            f'<rect x="{x:.1f}" y="{y(span.offset + span.bytes):.1f}" width="{max(width - 1, 1):.1f}" '
            f'height="{max(span.bytes * upwards, 0.5):.1f}" fill="{colour}" fill-opacity="0.85" stroke="#333333" '
            f'stroke-width="0.5"><title>{escape(span.name)}: {span.bytes:,} bytes at {span.offset:,}, '
            f"steps {span.first} to {span.last}</title></rect>"
        )
        if span.tensors and width > 60 and span.bytes * upwards > 14:
            parts.append(
                f'<text x="{x + 4:.1f}" y="{y(span.offset) - 4:.1f}" fill="#ffffff">{span.bytes:,}</text>'
            )
    for number, step in enumerate(arrangement.steps):
        parts.append(
            f'<text x="{_LEFT + (number + 0.5) * across:.1f}" y="{_HEIGHT - 22}" text-anchor="middle">{number}'
            f"<title>{escape(step.place)}</title></text>"
        )
    parts.append(
        f'<text x="{_LEFT}" y="{_HEIGHT - 6}">step; grey: scratch of one step; hover for names</text></svg>'
    )
    return "\n".join(parts) + "\n"


def _proof(arrangement: Arrangement) -> str:
    if arrangement.optimal:
        return ", proved to be the least for these steps"
    return f", no plan of these steps needs less than {arrangement.bound:,}"
