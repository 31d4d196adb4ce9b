"""A figure is held to its target; the table shows what was measured and what was missed."""

from __future__ import annotations

import pytest

from benchmarks.figure import Figure, median, quantile, table


@pytest.mark.parametrize(
    ("value", "target", "met"),
    [
        (3000, ">= 3000", True),
        (2999, ">= 3000", False),
        (20, "< 20", False),
        (4000, "<= 4000", True),
    ],
)
def test_a_value_is_held_to_its_target(value, target, met):
    figure = Figure(name="a", value=value, unit="msg/s", target=target)

    assert figure.met is met


def test_a_target_may_be_for_the_ratio():
    figure = Figure(name="a", value=9, unit="msg/s", ratio=0.49, of="ratio", target=">= 0.5")

    assert figure.met is False
    assert figure.plain()["ratio"] == 0.49


def test_a_figure_without_a_target_is_only_shown():
    figure = Figure(name="a", value=9, unit="msg/s")

    assert figure.met is None


def test_a_target_for_a_ratio_that_is_not_there_is_a_mistake():
    figure = Figure(name="a", value=9, unit="msg/s", of="ratio", target=">= 0.5")

    with pytest.raises(ValueError, match="no ratio"):
        _ = figure.met


def test_the_table_marks_what_was_missed():
    missed = Figure(name="accepted", value=1234, unit="msg/s", target=">= 3000")

    shown = table([missed])

    assert "accepted" in shown
    assert "1,234" in shown
    assert "NO" in shown


def test_a_quantile_is_a_value_that_was_measured():
    values = [float(n) for n in range(1, 101)]

    assert quantile(values, 0.99) == 100.0
    assert median([3.0, 1.0, 2.0]) == 2.0
