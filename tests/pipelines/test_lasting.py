"""How long questions wait is read, every mistake in it told, and each question gets its time."""

from __future__ import annotations

import pytest

from hub.lapsing import DAY, Lapsing
from mappings.mistakes import Mistakes
from pipelines import lasting, settings


def read(folder, text):
    (folder / "policies").mkdir(exist_ok=True)
    (folder / "policies" / "decisions.yaml").write_text(text)
    mistakes = Mistakes()
    found = lasting.lapsing(folder, mistakes)
    return found, [(m.line, m.found, m.expected) for m in mistakes.found]


def test_without_a_file_every_question_waits_for_good(tmp_path):
    found = lasting.lapsing(tmp_path, Mistakes())

    assert found == Lapsing()
    assert found.expires_at("delivery", 5) is None


def test_a_kind_lapses_after_its_days_and_none_are_for_good(tmp_path):
    found, mistakes = read(tmp_path, "delivery: 30\nplanned visit: 7\nidentity: 0\n")

    assert mistakes == []
    assert found.expires_at("delivery", 5) == 5 + 30 * DAY
    assert found.expires_at("planned visit", 5) == 5 + 7 * DAY
    assert found.expires_at("identity", 5) is None
    assert found.expires_at("message", 5) is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("deliveries: 3", "delivery"),
        ("match: 3", "lapse_after_days of identity.yaml"),
        ("message: soon", "a number of days"),
        ("message: -1", "a number of days"),
        ("message: [1]", "a number of days"),
    ],
)
def test_a_mistake_is_told_where_it_is(tmp_path, line, expected):
    _, [(at, _, said)] = read(tmp_path, f"separation: 3\n{line}\n")

    assert at == 2
    assert expected in said


def test_a_deployment_has_it(small_house):
    read(small_house.folder, "approve: 3\n")

    assert settings.load(small_house.folder).lapsing.days == {"approve": 3}
    assert "decisions.yaml" in _mistake(small_house.folder)


def _mistake(folder):
    (folder / "policies" / "retention.yaml").write_text("a: b\n")
    with pytest.raises(Exception, match=r"retention\.yaml") as error:
        settings.load(folder)
    return str(error.value)


def test_a_proposal_may_say_its_own_time(small_house):
    read(small_house.folder, "delivery: 1\n")
    house = type(small_house)(small_house.places, small_house.folder)
    said = {"kind": "delivery", "evidence": {}, "proposal": {}}
    house.order("propose", object="01" * 16, **said)
    house.order("propose", object="02" * 16, expires_at=7, **said)
    house.order("propose", object="03" * 16, **said | {"kind": "separation"})
    house.settle()

    rows = house.rows("select opened_at, expires_at from decision order by digest")
    house.close()

    assert [until and (until if until == 7 else until - at) for at, until in rows] == [
        DAY, 7, None,
    ]  # fmt: skip
