"""Told as tables in a folder: each delivery once, under a name that stays the same."""

from __future__ import annotations

import csv

import pytest

from connectors.flaky import Crash

OUT = "feed: versions\nmapping: files/enrollments\nto: folder\nmode: on\n"
COLUMNS = (
    "protocol", "nct", "subject_number", "state", "state_at_source", "consented_on",
    "enrolled_on", "off_study_on",
)  # fmt: skip


@pytest.fixture
def folder(small_outward, tmp_path):
    made = tmp_path / "outbox"
    made.mkdir()
    small_outward.write(
        connections__folder=(
            f"connector: files\nsystem: warehouse\nrole: OTHER\nsettings:\n  path: {made}\n"
            f"  out:\n    enrollments: {{columns: [{', '.join(COLUMNS)}], per: delivery}}\n"
        ),
        pipelines__out=OUT,
    )
    small_outward.study()
    return made


def rows(folder):
    found = []
    for path in sorted(folder.glob("*.csv")):
        with path.open(newline="") as file:
            found += list(csv.DictReader(file))
    return found


def test_each_change_of_a_state_becomes_one_row(small_outward, folder):
    deliverer = small_outward.deliverer()
    small_outward.enroll(1, "screening", state_native="SCR")
    small_outward.enroll(1, "enrolled", enrolled_on="2026-03-01")
    small_outward.enroll(2, "screening")
    small_outward.run(deliverer)

    found = sorted((row["subject_number"], row["state"], row["nct"]) for row in rows(folder))
    assert found == [
        ("S-1", "enrolled", "NCT04280705"),
        ("S-1", "screening", "NCT04280705"),
        ("S-2", "screening", "NCT04280705"),
    ]
    names = {path.name for path in folder.glob("*.csv")}
    assert names == {f"enrollments-{one}.csv" for one in small_outward.rows("id")}


def test_a_row_that_was_written_before_a_crash_is_written_once(small_outward, folder):
    deliverer = small_outward.deliverer()
    honest = deliverer.connector
    small_outward.enroll(1)

    class Dies:
        def push(self, said):
            honest.push(said)
            raise Crash

    deliverer.connector = Dies()
    with pytest.raises(Crash):
        small_outward.run(deliverer)
    again = small_outward.deliverer()
    small_outward.clock.move(5)
    small_outward.run(again)

    assert len(rows(folder)) == 1
    assert small_outward.rows("state, native_id") == [
        ("delivered", f"enrollments-{small_outward.rows('id')[0]}.csv#1")
    ]


def test_a_folder_that_is_away_is_written_to_when_it_is_back(small_outward, folder, tmp_path):
    deliverer = small_outward.deliverer()
    folder.rename(tmp_path / "away")
    small_outward.enroll(1)
    small_outward.run(deliverer)
    before = small_outward.rows("state")
    (tmp_path / "away").rename(folder)
    small_outward.clock.move(700)
    small_outward.run(deliverer)

    assert before == ["ready"]
    assert [row["subject_number"] for row in rows(folder)] == ["S-1"]
