"""Numbers begin and retire: what a source says of their days is kept and shown."""

from __future__ import annotations

import pytest

from hub import filters, repository
from hub.model.spec import entities
from hub.prepare import prepared, understood
from hub.principal import SYSTEM
from hub.statement import Identifier, Meaning, Ref, Stated

SPEC = entities()["Study"]


@pytest.fixture
def shown(reader):
    def shown(*conditions):
        asked = [("include", "identifiers"), *conditions]
        return [
            one["identifiers"]
            for one in repository.page(reader, SYSTEM, SPEC, filters.parse(SPEC, asked)).items
        ]

    return shown


def number(value, since="", until="", type_="local_protocol_no"):
    return Identifier(type_, value, "UH" if type_ == "local_protocol_no" else "", since, until)


def study(*given, key="1"):
    return Stated(entity="Study", key=key, fields={"title": "X"}, identifiers=given)


def test_a_number_that_retired_is_shown_with_its_last_day_and_still_finds(tell, shown):
    tell(study(number("ONC-1", "2024-01-02", "2026-02-28"), number("ONC-101", "2026-03-01")))

    assert shown(("identifier", "local_protocol_no|ONC-1")) == [
        [
            {"type": "local_protocol_no", "value": "ONC-1", "assigner": "UH",
             "since": "2024-01-02", "until": "2026-02-28"},
            {"type": "local_protocol_no", "value": "ONC-101", "assigner": "UH",
             "since": "2026-03-01"},
        ]
    ]  # fmt: skip


def test_it_retires_when_its_source_says_so_and_is_not_brought_back_by_silence(tell, shown):
    tell(study(number("ONC-1")))
    before = shown()
    tell(study(number("ONC-1", until="2026-02-28"), number("ONC-101")))
    tell(study(number("ONC-1"), number("ONC-101")))

    assert "until" not in before[0][0]
    assert [(one["value"], one.get("until")) for one in shown()[0]] == [
        ("ONC-1", "2026-02-28"), ("ONC-101", None),
    ]  # fmt: skip


def test_of_two_sources_the_one_that_says_its_days_is_heard(tell, shown):
    tell(study(number("NCT04990101", type_="nct")), system="ctms")
    tell(study(number("NCT04990101", "2020-05", type_="nct")), system="edc")

    [[one]] = shown()
    assert one == {"type": "nct", "value": "NCT04990101", "assigner": "", "since": "2020-05"}


def test_days_survive_the_way_from_the_mapper_to_the_settler(keyring):
    said = study(number("A", "2024", "2026"), number("B"))
    refers = Stated(
        entity="Enrollment",
        key="e",
        fields={"study": Ref("Study", identifiers=(number("C", until="2025"),))},
    )

    one, other = understood(
        prepared(keyring, "ctms", Meaning(statements=(said, refers)))
    ).statements

    assert [(t.value, t.since, t.until) for t in one.tokens] == [
        ("A", "2024", "2026"),
        ("B", "", ""),
    ]
    [token] = other.refs["study"][3]
    assert (token.value, token.until) == ("C", "2025")
