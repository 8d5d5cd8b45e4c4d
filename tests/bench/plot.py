"""A small plot as SVG: panels side by side, the number of agents along the bottom (logarithmic), each value at its point."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape

from .report import number

WIDTH, HEIGHT, LEFT, TOP = 250, 190, 30, 44
BETWEEN = 44
COLOURS = ("#1f6feb", "#d9730d")


@dataclass(frozen=True)
class Panel:
    title: str
    unit: str
    lines: dict[str, dict[int, float]]
    """By name: the value at each number of agents."""
    logarithmic: bool = False


def share(value: float, least: float, most: float, *, logarithmic: bool) -> float:
    """How far the value is on the way from the least to the most."""
    if logarithmic:
        value, least, most = math.log10(value), math.log10(least), math.log10(most)
    return (value - least) / ((most - least) or 1.0)


def panels(shown: list[Panel], along: str) -> str:
    """Two in a row, on a white ground: a README is read in the dark too."""
    rows = (len(shown) + 1) // 2
    width, height = 2 * (WIDTH + BETWEEN) + LEFT, rows * (HEIGHT + BETWEEN) + BETWEEN
    drawn = []
    for place, one in enumerate(shown):
        x, y = LEFT + place % 2 * (WIDTH + BETWEEN), place // 2 * (HEIGHT + BETWEEN) + 10
        drawn.append(f'<g transform="translate({x} {y})">{panel(one, along)}</g>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' font-family="system-ui, sans-serif" font-size="11" fill="#1f2328">\n'
        f"<title>{escape('; '.join(one.title for one in shown))}</title>\n"
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>\n' + "\n".join(drawn) + "\n</svg>\n"
    )


def panel(one: Panel, along: str) -> str:
    sizes = sorted({size for line in one.lines.values() for size in line})
    values = [value for line in one.lines.values() for value in line.values()]
    # A plain scale begins at nought, a logarithmic one at the power of ten below the least.
    least, most = (10.0 ** math.floor(math.log10(min(values))) if one.logarithmic else 0.0), max(values)
    bottom, inner = HEIGHT - 24, WIDTH - 60

    def x(size: int) -> float:
        return 20 + inner * share(size, sizes[0], sizes[-1], logarithmic=True)

    def y(value: float) -> float:
        return bottom - (bottom - TOP) * share(value, least, most, logarithmic=one.logarithmic)

    scale = f"{along}; both scales logarithmic" if one.logarithmic else along
    parts = [
        f'<text y="10" font-weight="600">{escape(one.title)}</text>',
        f'<path d="M0 {bottom}H{WIDTH - 10}" stroke="#8c959f"/>',
        *(f'<text x="{x(size):.0f}" y="{bottom + 14}" text-anchor="middle">{size:,}</text>' for size in sizes),
        f'<text x="0" y="{bottom + 27}" fill="#656d76">{escape(scale)}</text>',
    ]
    legend = [f"{name} ({one.unit})" if name else one.unit for name in one.lines]
    for place, (line, colour) in enumerate(zip(one.lines.values(), COLOURS, strict=False)):
        points = [(x(size), y(value), value) for size, value in sorted(line.items())]
        parts.append(f'<text x="{place * 80}" y="24" fill="{colour}">{escape(legend[place])}</text>')
        path = "L".join(f"{px:.1f} {py:.1f}" for px, py, _ in points)
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        for px, py, value in points:
            above = py - 6 if place == len(one.lines) - 1 else py + 14
            parts.append(f'<circle cx="{px:.1f}" cy="{py:.1f}" r="2.5" fill="{colour}"/>')
            parts.append(f'<text x="{px:.1f}" y="{above:.1f}" text-anchor="middle" fill="{colour}">{number(value)}</text>')
    return "".join(parts)
