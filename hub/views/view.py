"""What a view is: its question, its columns, and how it is asked of the canonical tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from hub.views.words import Words

Kind = Literal["text", "code", "date", "instant", "integer", "decimal", "money", "flag"]
Function = Literal[
    "study set-up and site management",
    "enrolment and tracking of participants",
    "monitoring visits",
    "regulatory documents",
    "milestones and budgets",
    "portfolios",
    "credentials, certifications and training",
    "budgets, contracts and invoices",
    "IRB and regulatory submissions",
    "resource allocation",
    "post-award oversight",
    "compliance",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column. `money` comes out of the SQL as a whole number of ten-thousandths and is shown
    as a decimal; its currency stands in a column of its own. `scope`: whoever lacks it sees the
    column empty."""

    name: str
    kind: Kind
    says: str
    codes: tuple[str, ...] = ()
    scope: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One view. Its SQL gives exactly `columns`, in this order, and before them `id`: a text that
    names the row, the same in every run, by which pages are kept apart.

    A caller who may see only some studies needs a column `study_id`, who may see only some sites
    `study_site_id`; a view without it is of the whole institution and not for them.
    """

    name: str  # with its family: ctms_study_overview
    answers: str  # the question, as people ask it
    row: str  # what one row is
    functions: tuple[Function, ...]
    entities: tuple[str, ...]  # whose sources' freshness is the view's
    columns: tuple[Column, ...]
    sql: Callable[[Words], str]
    # a row a participant, visit or document: sorted or filtered by anything but `narrowed_by` it
    # is only together with one of these, so that no question reads the whole store
    narrowed_by: tuple[str, ...] = ()
    # its rows, each of one study, are kept for questions about many (`hub.views.whole`)
    kept: bool = False

    @property
    def family(self) -> str:
        """ctms or croms."""
        return self.name.partition("_")[0]

    def has(self, column: str) -> bool:
        """Whether there is a column of this name."""
        return any(one.name == column for one in self.columns)


def text(name: str, says: str, *, scope: str = "") -> Column:
    """Words."""
    return Column(name=name, kind="text", says=says, scope=scope)


def code(name: str, says: str, codes: tuple[str, ...] = ()) -> Column:
    """A canonical code."""
    return Column(name=name, kind="code", says=says, codes=codes)


def date(name: str, says: str) -> Column:
    """A calendar date, as precise as it is known."""
    return Column(name=name, kind="date", says=says)


def instant(name: str, says: str) -> Column:
    """A moment as the canonical tables write it."""
    return Column(name=name, kind="instant", says=says)


def count(name: str, says: str) -> Column:
    """A whole number."""
    return Column(name=name, kind="integer", says=says)


def number(name: str, says: str) -> Column:
    """A number with decimals: a share, a rate, days in the middle."""
    return Column(name=name, kind="decimal", says=says)


def money(name: str, says: str) -> Column:
    """An amount; the SQL gives ten-thousandths."""
    return Column(name=name, kind="money", says=says)


def flag(name: str, says: str) -> Column:
    """Yes or no; null is not known."""
    return Column(name=name, kind="flag", says=says)
