"""How far participants have come: what counts as having reached a stage, and when that was."""

from __future__ import annotations

from dataclasses import dataclass

from hub.views.words import Words

_TREATED = ("on_treatment", "end_of_treatment")
_ENROLLED = ("enrolled", "randomised", *_TREATED, "follow_up", "completed")
_SCREENED = ("screening", "screen_failed", "eligible", *_ENROLLED)


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the enrollment `n`. `dates`: the first that is known is when it was reached;
    `states`: those in which it has been reached, whatever dates are missing. `told`: its day is
    looked for in the history of states, too."""

    name: str
    says: str
    dates: tuple[str, ...]
    states: tuple[str, ...]
    told: str = ""

    @property
    def reached(self) -> str:
        """The condition that it has been reached, ever."""
        known = [f"n.{date} is not null" for date in self.dates]
        return f"({' or '.join([*known, _state_in(self.states)])})"

    def day(self, on: Words) -> str:
        """When it was reached; null where no source says."""
        dates = [f"n.{date}" for date in self.dates]
        if self.told:
            dates.insert(0, _told(on, self.told))
            dates.append(f"case when n.state = '{self.told}' then n.off_study_on end")
        return f"coalesce({', '.join([*dates, 'null'])})"


STAGES = (
    Stage("potential", "found as possible participants", (), ("potential",), "potential"),
    Stage("prescreened", "pre-screened", ("prescreened_on",), ("prescreened",)),
    Stage("consented", "consented", ("consented_on",),
          ("consented", "screening", "eligible", *_ENROLLED)),
    Stage("screened", "came into screening", ("screened_on",), _SCREENED),
    Stage("screen_failed", "failed screening", (), ("screen_failed",), "screen_failed"),
    Stage("enrolled", "enrolled (accrual): whoever ever was, whatever became of them since",
          ("enrolled_on", "randomised_on", "on_treatment_on"), _ENROLLED),
    Stage("randomised", "randomised", ("randomised_on",), ("randomised",)),
    Stage("started_treatment", "began treatment", ("on_treatment_on",), _TREATED),
    Stage("end_of_treatment", "ended treatment", ("off_treatment_on",), ("end_of_treatment",)),
    Stage("follow_up", "came into follow-up", (), ("follow_up",), "follow_up"),
    Stage("withdrawn", "withdrew", (), ("withdrawn",), "withdrawn"),
    Stage("lost", "were lost to follow-up", ("lost_on",), ("lost_to_follow_up",)),
    Stage("completed", "completed", ("completed_on",), ("completed",)),
)  # fmt: skip
BY_NAME = {stage.name: stage for stage in STAGES}
ENROLLED = BY_NAME["enrolled"]


@dataclass(frozen=True, slots=True)
class Stay:
    """A time between two days of the enrollment `n`, in which it is in one of `states`. It counts
    only where both days are known, or it lasts."""

    name: str
    says: str
    since: str
    ends: tuple[str, ...]
    states: tuple[str, ...]
    told: str = ""

    def until(self, on: Words) -> str:
        """The day it ended."""
        ends = [f"n.{date}" for date in self.ends]
        return f"coalesce({', '.join([*ends, _told(on, self.told)] if self.told else ends)})"

    def counts(self, on: Words) -> str:
        """The condition that it counts."""
        lasts = f"{_state_in(self.states)} or {self.until(on)} is not null"
        return f"n.{self.since} is not null and ({lasts})"

    def ended(self, on: Words) -> str:
        """The condition that it has ended."""
        over = f"not {_state_in(self.states)} and {self.until(on)} is not null"
        return f"n.{self.since} is not null and {over}"


STAYS = (
    Stay("in_screening", "in screening", "screened_on",
         ("eligible_on", "enrolled_on", "randomised_on", "off_study_on"), ("screening",),
         "screen_failed"),
    Stay("in_treatment", "on treatment", "on_treatment_on",
         ("off_treatment_on", "off_study_on", "completed_on", "lost_on", "died_on"),
         ("on_treatment",)),
)  # fmt: skip


def counted(on: Words) -> str:
    """Which enrollments `n` count at all."""
    return f"{on.current('n')} and n.state is distinct from 'entered_in_error'"


def reached(name: str) -> str:
    """An aggregate: how many of the enrollments `n` have reached a stage."""
    return f"count(case when {BY_NAME[name].reached} then 1 end)"


def standing(state: str) -> str:
    """An aggregate: how many of the enrollments `n` are in a state now."""
    return f"count(case when n.state = '{state}' then 1 end)"


def _state_in(states: tuple[str, ...]) -> str:
    listed = ", ".join(f"'{state}'" for state in states)
    return f"coalesce(n.state in ({listed}), 1 = 0)"


def _told(on: Words, state: str) -> str:
    return (
        "(select min(h.started_on) from enrollment_state h where h.enrollment_id = n.id "
        f"and h.state = '{state}' and {on.current('h')})"
    )
