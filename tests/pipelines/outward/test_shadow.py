"""A pipeline in shadow says nothing to anybody, and shows what it would have said."""

from __future__ import annotations

import pytest

from connectors.flaky import Crash, Fault, Flaky
from pipelines import consume, render, settings, tallies
from pipelines.tallies import Tally


@pytest.fixture
def shadowed(outward):
    """A study is known; what the pipeline would tell is only looked at."""
    outward.study()
    outward.tell(mode="shadow")
    return outward


def tally(outward, name="out"):
    return tallies.by_pipeline(outward.house.journal.session)[name]


def prints(outward):
    return outward.house.journal.session.all("select digest from fingerprint")


def test_a_pipeline_that_does_not_say_otherwise_is_in_shadow(small_outward):
    small_outward.write(pipelines__new="feed: versions\nmapping: rows\nto: target\n")

    assert settings.load(small_outward.house.folder).outbound["new"].mode == "shadow"


def test_what_would_be_sent_is_rendered_and_counted_and_never_sent(shadowed):
    target = Flaky()
    deliverer = shadowed.deliverer(connector=target)
    shadowed.enroll(1, "screening")
    shadowed.enroll(1, "enrolled")
    shadowed.run(deliverer)

    kept = shadowed.rows("id, said")
    said = [render.unpack(shadowed.house.keyring, one, bytes(cell)).body for one, cell in kept]
    assert target.taken() == []
    assert [b"screening" in said[0], b"enrolled" in said[1]] == [True, True]
    assert shadowed.rows("state, detail, tries") == [("shadow", "would be sent", 0)] * 2
    assert prints(shadowed) == []  # what nobody was told comes back from nobody
    assert tally(shadowed) == Tally(triggered=2, held=2, states={"shadow": 2})


def test_what_it_has_no_word_for_or_must_know_first_shows_in_shadow(shadowed):
    deliverer = shadowed.deliverer(connector=Flaky())
    shadowed.enroll(1, study="unheard-of")
    shadowed.run(deliverer)

    assert shadowed.rows("state, detail") == [("waiting", "study.identifier(nct) is not known yet")]


def test_shadow_asks_nobody_to_approve(shadowed):
    shadowed.tell(mode="shadow", approval=True)
    deliverer = shadowed.deliverer(connector=Flaky())
    shadowed.enroll(1)
    shadowed.run(deliverer)
    shadowed.obey()

    assert shadowed.decisions() == []
    assert shadowed.rows("detail") == ["would be sent, once a person approves"]


def test_shadow_does_not_mind_a_target_that_is_down(shadowed):
    deliverer = shadowed.deliverer(connector=Flaky(down=True))
    for _ in range(5):
        deliverer.breaker.heard(ok=False)
    shadowed.enroll(1)
    shadowed.run(deliverer)

    assert shadowed.rows("state") == ["shadow"]


def switched_on(outward, target):
    """What came before it was switched on: one that would have been sent, one that waits."""
    deliverer = outward.deliverer(connector=target)
    outward.enroll(1, "screening")
    outward.enroll(2, "screening", study="unheard-of")
    outward.run(deliverer)
    outward.tell()
    return outward.deliverer(connector=target)


def test_switched_on_it_says_news_only(shadowed):
    target = Flaky()
    deliverer = switched_on(shadowed, target)
    shadowed.study(nct="NCT00000102", key="unheard-of")
    shadowed.enroll(1, "enrolled")
    shadowed.clock.move(600)
    shadowed.run(deliverer)

    assert shadowed.rows("state, detail") == [
        ("shadow", "would be sent"), ("shadow", "the pipeline sent nothing yet"),
        ("delivered", ""),
    ]  # fmt: skip
    assert [b"enrolled" in one.body for one in target.taken()] == [True]
    assert shadowed.rows("said is null") in ([1, 1, 1], [True, True, True])


def test_what_would_have_been_said_is_said_when_a_person_asks(shadowed):
    target = Flaky()
    deliverer = switched_on(shadowed, target)
    number = consume.backfill(deliverer.desk)
    shadowed.study(nct="NCT00000102", key="unheard-of")
    shadowed.clock.move(600)
    shadowed.run(deliverer)

    assert number == 2
    assert shadowed.rows("state") == ["delivered"] * 2
    assert consume.backfill(deliverer.desk) == 0


def test_switched_back_nothing_more_is_sent_and_what_nobody_knows_is_asked(shadowed):
    shadowed.tell()
    target = Flaky(faults=(Fault(at=0, kind="crash"),))
    deliverer = shadowed.deliverer(connector=target)
    shadowed.enroll(1)
    with pytest.raises(Crash):
        shadowed.run(deliverer)
    shadowed.enroll(2)
    shadowed.tell(mode="shadow")
    again = shadowed.deliverer(connector=target)
    shadowed.run(again)
    shadowed.obey()

    assert target.taken() == []
    assert shadowed.rows("state") == ["unknown", "shadow"]
    [(_, kind, *_)] = shadowed.decisions()
    assert kind == "delivery"


def test_a_flow_adds_up_the_pipelines_that_name_it(small_outward):
    small_outward.study()
    small_outward.tell(name="out", flow="subject status")
    small_outward.tell(name="more", flow="subject status", mode="shadow")
    small_outward.tell(name="none")
    ways = [
        small_outward.deliverer(name, Flaky(refuse=n)) for n, name in enumerate(("more", "out"))
    ]
    small_outward.enroll(1)
    for one in ways:
        small_outward.run(one)

    found = tallies.by_pipeline(small_outward.house.journal.session)
    flows = tallies.by_flow(found, small_outward.house.deployment.outbound)
    assert list(flows) == ["subject status"]
    assert flows["subject status"].plain() == {
        "triggered": 2, "delivered": 0, "confirmed": 0, "held": 1, "refused": 1,
    }  # fmt: skip
