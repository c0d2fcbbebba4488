"""Where the parts of a chart lie: numbers in percent of its size, which ``charts.html`` draws.

In percent, so that a chart is as wide as its page while its letters keep their size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil

from babel.dates import format_skeleton
from flask_babel import format_decimal, get_locale

from app.lists.activity import Day

MARKS = 6
"""How many days are named below a chart, about."""
GAP = 0.2
"""How much of a column is left empty beside it."""


@dataclass(frozen=True)
class Bar:
    """One bar of a day: from ``y`` down, so high; ``address`` is where it leads."""

    kind: str
    """``good`` or ``bad``."""
    count: int
    y: float
    height: float
    address: str


@dataclass(frozen=True)
class Column:
    """One day: ``x`` and ``width`` of all its place, ``bar_x`` and ``bar_width`` of its bars."""

    day: date
    x: float
    width: float
    bar_x: float
    bar_width: float
    good: Bar
    bad: Bar


@dataclass(frozen=True)
class Chart:
    """A chart of days."""

    columns: tuple[Column, ...]
    lines: tuple[tuple[float, int], ...]
    """Where the lines across lie, and the number each stands for."""
    marks: tuple[tuple[float, str], ...]
    """Where the days below are named, and how."""

    @property
    def figures(self) -> dict[str, str]:
        """How many days, and how often in them it went well (``good``) and did not (``bad``)."""
        good = sum(column.good.count for column in self.columns)
        bad = sum(column.bad.count for column in self.columns)
        counts = {"days": len(self.columns), "good": good, "bad": bad}
        return {name: format_decimal(count) for name, count in counts.items()}

    @property
    def busiest(self) -> Column:
        return max(self.columns, key=lambda column: column.good.count + column.bad.count)


def of_days(days: Sequence[Day], address_of: Callable[[date, str], str]) -> Chart:
    """Return the chart of some days: what went well at the bottom, what did not above it.

    :param address_of: Where a bar leads, by its day and kind.
    """
    step = 100 / len(days)
    most = top(max(each.good + each.bad for each in days))
    columns = []
    for number, each in enumerate(days):
        good, bad = 100 * each.good / most, 100 * each.bad / most
        columns.append(
            Column(
                each.day,
                x=round(number * step, 3),
                width=round(step, 3),
                bar_x=round((number + GAP / 2) * step, 3),
                bar_width=round((1 - GAP) * step, 3),
                good=_bar("good", each.good, 100 - good, good, address_of(each.day, "good")),
                bad=_bar("bad", each.bad, 100 - good - bad, bad, address_of(each.day, "bad")),
            )
        )
    half = [most // 2] if most % 2 == 0 else []
    lines = tuple((round(100 - 100 * count / most, 3), count) for count in (0, *half, most))
    every = max(1, ceil(len(days) / MARKS))
    named = reversed(range(len(days) - 1, -1, -every))  # today is among them
    marks = tuple((round((n + 0.5) * step, 3), _in_short(days[n].day)) for n in named)
    return Chart(tuple(columns), lines, marks)


def top(most: int) -> int:
    """Return the number at the top of a chart: 2, 4, 5, 6, 8, 10, 20, 40, 50 and so on."""
    if most <= 2:
        return 2
    power: int = 10 ** (len(str(most)) - 1)
    return next(each * power for each in (1, 2, 4, 5, 6, 8, 10) if each * power >= most)


def _in_short(day: date) -> str:
    return str(format_skeleton("MMMd", day, locale=get_locale()))


def _bar(kind: str, count: int, y: float, height: float, address: str) -> Bar:
    return Bar(kind, count, round(y, 3), round(height, 3), address)
