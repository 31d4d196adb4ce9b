"""Whatever a message does to its reader, only that message is parked."""

from __future__ import annotations

from dataclasses import replace

import psutil
import pytest

from pipelines import mapper as mapping
from pipelines import mapwork
from pipelines.mapper import BATCH, Limits, Mapper, pack, unpack
from pipelines.work import Work

# A mapping process in which messages do what their keys say.
GUILTY = """
import os, signal, time
from pipelines import mapwork, understand

real = understand.Readers.understand

def does(self, revision, pipeline, raw):
    if raw.key.startswith("hangs"):
        time.sleep(3600)
    if raw.key.startswith("grows"):
        bytearray(3 << 30)
    if raw.key.startswith("dies"):
        os.kill(os.getpid(), signal.SIGKILL)
    if raw.key.startswith("fails"):
        raise ZeroDivisionError("ZZPHI")
    return real(self, revision, pipeline, raw)

def main(*arguments):
    understand.Readers.understand = does
    mapwork.main(*arguments)
"""


@pytest.fixture
def mapper(small_house, tmp_path, monkeypatch):
    """A mapper of which some messages are guilty, its process warm."""
    (tmp_path / "guilty_mapping.py").write_text(GUILTY)
    monkeypatch.syspath_prepend(str(tmp_path))
    import guilty_mapping

    places = small_house.places
    made = Mapper(
        keys=places.keys, revisions=places.revisions, limits=Limits(seconds=1, megabytes=2048)
    )
    monkeypatch.setattr(mapping.mapwork, "main", guilty_mapping.main)
    yield made
    made.stop()
    monkeypatch.delitem(__import__("sys").modules, "guilty_mapping")


@pytest.fixture
def works(small_house, adt):
    """Makes the work of well-formed messages with these keys."""

    def make(*keys, sex="F"):
        found = []
        for number, key in enumerate(keys, 1):
            entry = small_house.entry(adt("A", number, key=key, sex=sex))
            found.append(
                Work(
                    seq=number, part=0, connection="hospital", stream="ADT", key=key,
                    lane=entry.lane, at=entry.at, media="hl7v2", flags=0, pipeline="hospital",
                    revision=small_house.revision, remark=None, body=entry.body,
                )
            )  # fmt: skip
        return found

    return make


def answers(mapper, works):
    return mapper.collect(mapper.submit(works))


def test_answers_come_in_the_order_of_the_work_over_several_round_trips(mapper, works):
    keys = [f"k{n}" for n in range(BATCH * 2 + 3)]

    found = answers(mapper, works(*keys))

    assert len(found) == len(keys)
    assert all(one.read and not one.fault for one in found)
    assert {one.meaning.statements[0].entity for one in found} == {"Participant"}


def test_work_survives_the_way_there_and_back(works):
    [one] = works("k1")

    [(head, body)] = mapwork.split(pack([one]))

    assert head[:4] == [1, "hospital", "ADT", "k1"]
    assert body == one.body
    assert unpack(b'[{"fault":"x","place":"PID-8"}]')[0].place == "PID-8"


def test_an_altered_body_is_the_fault_of_that_message_alone(mapper, works):
    good, bad, other = works("k1", "k2", "k3")
    bad = replace(bad, body=bad.body[:-1] + bytes([bad.body[-1] ^ 1]))

    found = answers(mapper, [good, bad, other])

    assert [one.fault for one in found] == ["", "mapping failed with CannotOpen", ""]


def test_a_fault_of_ours_is_named_without_what_it_says(mapper, works):
    found = answers(mapper, works("k1", "fails", "k2"))

    assert [one.fault for one in found] == ["", "mapping failed with ZeroDivisionError", ""]


def test_the_refusal_of_a_mapping_names_the_place_and_not_the_patient(mapper, works, small_house):
    [one] = works("k1", sex="Q9")

    [found] = answers(mapper, [one])

    assert found.place == "PID-8.1"
    assert "Doe" not in found.fault


def test_a_message_that_eats_memory_costs_only_itself(mapper, works):
    found = answers(mapper, works("k1", "grows", "k2"))

    assert [bool(one.fault) for one in found] == [False, True, False]
    assert "memory" in found[1].fault


def test_a_message_that_kills_its_process_costs_only_itself(mapper, works):
    found = answers(mapper, works("k1", "dies", "k2", "k3"))

    assert [bool(one.fault) for one in found] == [False, True, False, False]
    assert "died" in found[1].fault


def test_a_message_that_hangs_costs_only_itself(mapper, works):
    answers(mapper, works("k0"))

    found = answers(mapper, works("k1", "hangs", "k2"))

    assert [bool(one.fault) for one in found] == [False, True, False]
    assert "within 1 s" in found[1].fault


def spawned():
    return {one for one in psutil.Process().children() if "spawn_main" in str(one.cmdline())}


def test_stopping_leaves_no_process_behind(mapper, works):
    others = spawned()  # of tests before this one
    answers(mapper, works("k1"))
    began = spawned() - others

    mapper.stop()

    assert began
    _, left = psutil.wait_procs(began, timeout=10)
    assert left == []
