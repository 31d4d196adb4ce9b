"""A measured figure, the reference it stands beside, and the target it is held to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """`target` is for `ratio` where `of` is "ratio", else for `value`. `reference` says what
    `ratio` compares with; `detail` holds whatever helps to believe the value."""

    name: str
    value: float
    unit: str
    target: str = ""  # ">= 3000", "< 20", "" for a figure that is only shown
    of: Literal["value", "ratio"] = "value"
    reference: str = ""
    ratio: float | None = None
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None without a target."""
        if not self.target:
            return None
        sign, _, bound = self.target.partition(" ")
        found = self.ratio if self.of == "ratio" else self.value
        if found is None:
            raise ValueError(f"{self.name}: a target for a ratio, and no ratio")
        return _SIGNS[sign](found, float(bound))

    def plain(self) -> dict[str, Any]:
        """As it is written to `latest.json`."""
        ratio = None if self.ratio is None else round(self.ratio, 3)
        return {**asdict(self), "value": round(self.value, 3), "ratio": ratio, "met": self.met}


_SIGNS = {
    ">=": lambda found, bound: found >= bound,
    "<=": lambda found, bound: found <= bound,
    "<": lambda found, bound: found < bound,
}
_MARKS = {True: "yes", False: "NO", None: ""}


def table(figures: Sequence[Figure]) -> str:
    """The figures as lines for people."""
    rows = [("figure", "value", "", "ratio", "target", "met", "reference")]
    for one in figures:
        ratio = "" if one.ratio is None else f"{one.ratio:.2f}"
        target = f"{one.of if one.of == 'ratio' else ''} {one.target}".strip()
        value = f"{one.value:,.0f}" if one.value >= 100 else f"{one.value:.2f}"
        rows.append((one.name, value, one.unit, ratio, target, _MARKS[one.met], one.reference))
    widths = [max(len(row[column]) for row in rows) for column in range(7)]
    return "\n".join(
        f"{a:<{widths[0]}}  {b:>{widths[1]}} {c:<{widths[2]}}  {d:>{widths[3]}}  "
        f"{e:<{widths[4]}}  {f:<{widths[5]}}  {g}".rstrip()
        for a, b, c, d, e, f, g in rows
    )


def quantile(values: Sequence[float], share: float) -> float:
    """The value that `share` of `values` do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def median(values: Sequence[float]) -> float:
    """The middle one: of runs that others disturbed, the least misleading."""
    return quantile(values, 0.5)
