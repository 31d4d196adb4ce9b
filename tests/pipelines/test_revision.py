"""A configuration is known by its content, and a message keeps the one that accepted it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipelines import revision


def files(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*") if p.is_file()}


def test_the_same_configuration_is_the_same_revision(house):
    assert revision.enter(house.journal.session, house.folder) == house.revision


def test_a_changed_file_is_a_new_revision_and_changing_it_back_the_old_one(house):
    path = house.folder / "hub.yaml"
    before = path.read_text()
    path.write_text(before + "timezone: Europe/Paris\n")

    changed = revision.enter(house.journal.session, house.folder)
    path.write_text(before)

    assert changed == house.revision + 1
    assert revision.enter(house.journal.session, house.folder) == house.revision


def test_a_revision_is_laid_out_as_it_was(house, tmp_path):
    before = files(house.folder)
    (house.folder / "hub.yaml").write_text("participants: known_only\n")

    folder = revision.lay_out(house.journal.session, house.revision, tmp_path)

    assert files(folder) == before


def test_what_is_no_configuration_is_left_out(house, tmp_path):
    (house.folder / "notes.md").write_text("x")
    (house.folder / "connections" / "secret.key").write_text("x")
    (house.folder / "data").mkdir(exist_ok=True)

    assert revision.enter(house.journal.session, house.folder) == house.revision


def test_a_revision_nobody_entered_is_an_error_that_names_it(house, tmp_path):
    with pytest.raises(LookupError, match="revision 99"):
        revision.lay_out(house.journal.session, 99, tmp_path)


def test_two_that_lay_out_the_same_revision_at_once_both_find_it(house, tmp_path, monkeypatch):
    real = Path.rename

    def later(part, folder):
        monkeypatch.setattr(Path, "rename", real)
        revision.lay_out(house.journal.session, house.revision, tmp_path / "both")  # the other one
        return real(part, folder)

    monkeypatch.setattr(os, "getpid", iter([1, 2]).__next__)
    monkeypatch.setattr(Path, "rename", later)
    folder = revision.lay_out(house.journal.session, house.revision, tmp_path / "both")

    assert files(folder) == files(house.folder)


def test_every_file_is_on_disk_before_the_revision_has_its_name(house, tmp_path, monkeypatch):
    synced: list[str] = []
    real = os.fsync

    def fsync(handle):
        synced.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    folder = revision.lay_out(house.journal.session, house.revision, tmp_path)

    assert len([path for path in synced if str(tmp_path) in path]) >= len(files(folder))
