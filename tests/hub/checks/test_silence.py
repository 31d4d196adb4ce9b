"""Check 12: a system that should have spoken by now."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from hub import feeds
from hub.clock import micros


@pytest.fixture
def heard(store):
    """What systems last spoke of: connection, stream, system, day."""

    def note(*told):
        days = {
            (name, stream): (system, micros(datetime.fromisoformat(day).replace(tzinfo=UTC)))
            for name, stream, system, day in told
        }
        with store.transaction():
            feeds.note(store, 1, days)

    return note


def test_a_system_that_is_quieter_than_one_of_its_kind_may_be_is_silent(heard, found):
    heard(("hospital", "adt", "ehr", "2026-03-08"), ("edc", "records", "edc", "2026-03-11"))

    [one] = found("silence")

    assert one.sentence == (
        "The EHR last spoke on 2026-03-08, and was to be heard by 2026-03-10; others have spoken "
        "since."
    )
    assert (one.about, str(one.since)) == ("ehr", "2026-03-10")
    assert [(e.system, e.says) for e in one.evidence] == [("ehr", "last spoke on 2026-03-08")]
    assert one.act == "the interface team, with the research billing and registration desk"


def test_any_feed_of_a_system_is_its_voice(heard, found):
    heard(("hospital", "adt", "ehr", "2026-03-01"), ("hospital", "siu", "ehr", "2026-03-11"))

    assert found("silence") == []


def test_a_kind_that_is_not_watched_and_one_that_is_not_configured_are_never_silent(heard, found):
    heard(("hospital", "adt", "ehr", "2026-01-01"), ("old", "adt", "old", "2026-01-01"))

    assert found("silence", ehr_days=0) == []


def test_it_is_the_same_finding_while_others_go_on_speaking(heard, found):
    heard(("hospital", "adt", "ehr", "2026-03-01"), ("edc", "records", "edc", "2026-03-11"))
    before = found("silence")
    heard(("edc", "records", "edc", "2026-03-12"), ("ctms", "x", "ctms", "2026-03-12"))

    assert found("silence", today=date(2026, 3, 13)) == before
