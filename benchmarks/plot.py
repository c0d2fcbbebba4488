"""A line for each series, as an SVG: both axes by powers of ten, names beside the lines' ends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 900, 560
LEFT, RIGHT, TOP, BOTTOM = 60, 330, 50, 40
COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#17becf")
LABEL_HEIGHT = 16


@dataclass(frozen=True)
class Series:
    name: str
    values: Sequence[float]
    """Above 0, one for each place on the horizontal axis."""


def plot(title: str, places: Sequence[str], series: Sequence[Series]) -> str:
    """Return the picture."""
    everything = [value for each in series for value in each.values]
    low = math.floor(math.log10(min(everything)))
    high = math.ceil(math.log10(max(everything)))
    step = (WIDTH - LEFT - RIGHT) / max(1, len(places) - 1)

    def x(place: int) -> float:
        return LEFT + place * step

    def y(value: float) -> float:
        share = (math.log10(value) - low) / max(1, high - low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    parts = [_text(WIDTH / 2, 24, title, "middle", size=16)]
    for power in range(low, high + 1):
        at = y(10**power)
        parts.append(_line([(LEFT, at), (x(len(places) - 1), at)], "#ddd", 1))
        parts.append(_text(LEFT - 8, at + 4, f"{10**power:g}", "end"))
    parts += [_text(x(n), HEIGHT - 14, name, "middle") for n, name in enumerate(places)]
    ends = _spread([y(each.values[-1]) for each in series])
    for number, (each, end) in enumerate(zip(series, ends, strict=True)):
        colour = COLOURS[number % len(COLOURS)]
        points = [(x(n), y(value)) for n, value in enumerate(each.values)]
        parts.append(_line(points, colour, 2))
        last = points[-1]
        parts.append(_line([last, (last[0] + 16, end)], colour, 1))
        label = f"{each.name}: {each.values[-1]:.2f}"
        parts.append(_text(last[0] + 20, end + 4, label, "start", colour))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="#fff"/>'
        f"{''.join(parts)}</svg>\n"
    )


def _spread(ends: Sequence[float]) -> list[float]:
    """Return where the labels go, in the order of the lines' ends and none on another."""
    found = [0.0] * len(ends)
    lowest = float("inf")
    for number in sorted(range(len(ends)), key=lambda each: -ends[each]):
        lowest = min(ends[number], lowest - LABEL_HEIGHT)
        found[number] = lowest
    shift = max(0.0, TOP - min(found, default=TOP))
    return [each + shift for each in found]


def _line(points: Sequence[tuple[float, float]], colour: str, width: int) -> str:
    drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="{width}"/>'


def _text(
    x: float, y: float, text: str, anchor: str, colour: str = "#333", *, size: int = 11
) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}"'
    return f'<text {place} font-size="{size}">{escape(text)}</text>'
