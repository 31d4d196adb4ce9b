"""The institute's data warehouse: a database with a table of what its studies are to reach, and one
of the studies' states, which others fill."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from crohub.sandbox.studies import STUDIES

_TABLES = """
create table if not exists goal (
    goal_no text primary key, study_no text, name text, kind text, planned_on text, actual_on text);
create table if not exists study_state (
    study_no text primary key, title text, status text);
"""
_GOAL = "insert or replace into goal values (?, ?, ?, ?, ?, ?)"


class Warehouse:
    """One SQLite file; what others wrote into it stays."""

    def __init__(self, file: Path) -> None:
        self.file = file

    @property
    def url(self) -> str:
        return f"sqlite:///{self.file}"

    def fill(self) -> None:
        """Lays out the tables, with a goal for each study."""
        with closing(sqlite3.connect(self.file)) as base:
            base.executescript(_TABLES)
            for one in STUDIES:
                planned = (one.started + timedelta(days=540)).isoformat()
                row = (f"G-{one.number}", one.number, "Last subject in", "last_subject_in")
                base.execute(_GOAL, (*row, planned, None))
            base.commit()

    def states(self) -> dict[str, str]:
        """What the studies' states are said to be, by number."""
        with closing(sqlite3.connect(self.file)) as base:
            return dict(base.execute("select study_no, status from study_state"))
