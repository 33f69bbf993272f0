"""Tables, and what the figures of one run are to each other."""

import dataclasses
import statistics
from typing import Optional

from wrk import Load


@dataclasses.dataclass
class Row:
    """One line of the table of ratios: a figure of Hearth's beside another of the same run, or beside a number."""

    what: str
    value: float
    unit: str
    # What it is held against, and its figure.
    beside: str = ""
    other: Optional[float] = None
    # What is wanted: of the ratio where there is another figure and `of_ratio`, else of the figure itself.
    at_least: Optional[float] = None
    at_most: Optional[float] = None
    of_ratio: bool = False

    @property
    def ratio(self):
        return self.value / self.other if self.other else None

    @property
    def reached(self):
        """None where nothing is wanted, or the other figure is missing."""
        figure = self.ratio if self.of_ratio else self.value
        if figure is None or (self.at_least is None and self.at_most is None):
            return None
        return (self.at_least is None or figure >= self.at_least) and (self.at_most is None or figure <= self.at_most)

    @property
    def wanted(self):
        bounds = [f"{sign} {bound:,g}" for sign, bound in (("≥", self.at_least), ("≤", self.at_most)) if bound is not None]
        return " ".join(bounds) + ("" if self.of_ratio or not bounds else f" {self.unit}")

    def cells(self):
        against = "" if self.other is None else f"{shown(self.other)} {self.unit} ({self.beside})"
        return [
            self.what, f"{shown(self.value)} {self.unit}", against,
            "" if self.ratio is None else f"{self.ratio:.2f}", self.wanted,
            {None: "", True: "reached", False: "not reached"}[self.reached],
        ]


HEADINGS = ["what", "Hearth", "beside it, same run", "ratio", "wanted", ""]


def shown(figure):
    """A figure with as many digits as say something."""
    return f"{figure:,.0f}" if abs(figure) >= 100 or figure == int(figure) else f"{figure:.1f}" if abs(figure) >= 10 else f"{figure:.2f}"


def median_of_loads(loads):
    """Each figure's own median."""
    middle = {name: statistics.median(getattr(load, name) for load in loads) for name in ("per_second", "p50_us", "p99_us")}
    return Load(**middle, failed=sum(load.failed for load in loads))


def percentile(samples, part):
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def markdown(headings, rows):
    """A table whose columns are as wide as they have to be, so that it can be read as it is."""
    widths = [max(len(row[column]) for row in [headings, *rows]) for column in range(len(headings))]
    lines = [[cell.ljust(width) for cell, width in zip(row, widths)] for row in [headings, *rows]]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
