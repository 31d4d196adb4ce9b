"""`crohub view`: what a view shows, on a screen and in a file."""

from __future__ import annotations

import csv
import json

import pytest

TRACKER = "ctms_participant_tracker"


def test_without_a_name_it_tells_which_views_there_are(crohub):
    ran = crohub("view")

    assert ran.code == 0
    assert "ctms_study_overview" in ran.out
    assert "Where does each study stand?" in ran.out


def test_a_screen_a_program_and_a_file_show_the_same_rows(crohub, two_systems, tmp_path):
    """A screen has names and no ids; each row for a program says of what moment it is; a file has
    all rows, and stands in the audit."""
    place, out = ("--config", two_systems), tmp_path / "rows.csv"

    screen = crohub("view", TRACKER, *place)
    told = json.loads(crohub("view", TRACKER, "--format", "json", *place).out)
    words = ("--format", "csv", "--out", out, "--reason", "for the board")
    written = crohub("view", TRACKER, *words, *place)

    head, *rows = screen.out.splitlines()
    assert "subject no" in head
    assert "id" not in head.split()
    assert sorted(row.split()[0] for row in rows) == ["S-1", "S-2"]
    assert "heard from ctms 20" in screen.err
    assert {row["subject_no"] for row in told["items"]} == {"S-1", "S-2"}
    assert set(told["freshness"]) == {"ctms", "edc"}
    assert all(row["as_of"] == told["as_of"] for row in told["items"])
    assert written.code == 0, written.err
    with out.open(newline="") as stream:
        assert {row["subject_no"] for row in csv.DictReader(stream)} == {"S-1", "S-2"}
    assert f"{TRACKER} exported" in crohub("audit", "list", "--json", *place).out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("ctms_colours",), "expected one of the views: croms_award"),
        ((TRACKER, "colour=red"), "is no filter of ctms_participant_tracker"),
        ((TRACKER, "--sort", "colour"), "cannot be sorted by"),
        ((TRACKER, "--sort", "subject_no"), "together with one of: study"),
        ((TRACKER, "--format", "pdf"), "is no format"),
        ((TRACKER, "--out", "x.txt"), "names a new file"),
    ],
)
def test_wrong_use_names_what_there_is(crohub, words, says):
    ran = crohub("view", *words)

    assert ran.code == 2
    assert says in ran.err
