"""A measure, its limit, and the table that says both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

FAULTS = ("lost", "doubled", "disordered", "unconfirmed")
HEADINGS = ("measure", "median", "spread", "limit in the same run", "ratio", "aim", "met")


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Args:
        runs: one figure a run.
        limit: what was measured beside it, by the same runs; ``limit_name`` says what that is.
        aim: as a text; ``met`` whether it was reached, None where nothing was aimed at.
    """

    name: str
    unit: str
    runs: Sequence[float]
    limit_name: str = ""
    limit: Sequence[float] = ()
    aim: str = ""
    met: bool | None = None

    @property
    def median(self) -> float:
        return median(self.runs)

    @property
    def ratio(self) -> float | None:
        """The median of the runs' own ratios: what disturbs one run disturbs its limit too."""
        return ratio(self.runs, self.limit) if self.limit else None

    def cells(self) -> tuple[str, ...]:
        spread = f"{number(min(self.runs))} to {number(max(self.runs))} (n={len(self.runs)})"
        limit = f"{number(median(self.limit))} {self.unit}  {self.limit_name}" if self.limit else self.limit_name
        met = "" if self.met is None else "yes" if self.met else "NO"
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        return (self.name, f"{number(self.median)} {self.unit}".strip(), spread, limit, ratio, self.aim, met)


def ratio(runs: Sequence[float], limit: Sequence[float]) -> float:
    return median(run / of for run, of in zip(runs, limit, strict=True))


def at_most(name: str, unit: str, runs: Sequence[float], most: float, limit_name: str = "", limit: Sequence[float] = ()) -> Row:
    """A row whose aim is a median below ``most``."""
    return Row(name, unit, runs, limit_name, limit, f"< {number(most)} {unit}", median(runs) < most)


def at_least(
    name: str, unit: str, runs: Sequence[float], least: float, limit_name: str = "", limit: Sequence[float] = ()
) -> Row:
    """A row whose aim is a median of ``least`` or more."""
    return Row(name, unit, runs, limit_name, limit, f"≥ {number(least)} {unit}", median(runs) >= least)


def none_of(name: str, *found: dict[str, Any]) -> Row:
    """A row of faults, whose aim is none: what readers lost, got twice or out of order, and what was never confirmed."""
    counts = [float(sum(one.get(kind, 0) for kind in FAULTS)) for one in found]
    return Row(name, "", counts, aim="0", met=not any(counts))


def number(value: float) -> str:
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def table(rows: Sequence[Row]) -> str:
    lines = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    shown = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([shown[0], "  ".join("-" * width for width in widths), *shown[1:]])


def percentile(values: Sequence[float], percent: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
