"""What becomes of deliveries: retried, parked, unknown, decided; in order within a lane."""

from __future__ import annotations

import random

import orjson
import pytest
from pydantic import PrivateAttr

from connectors.errors import Misconfigured, TryLater
from connectors.flaky import Crash, Fault, Flaky
from connectors.formats.tables import read_row
from connectors.record import Receipt
from hub.statement import Identifier, Stated
from pipelines import deliveries
from pipelines.deliver import FEWEST, LONGEST
from pipelines.render import unpack


class Scripted(Flaky):
    """A target that answers as a test says, delivery by delivery, and then takes everything."""

    _answers: list = PrivateAttr(default_factory=list)
    _said: list = PrivateAttr(default_factory=list)

    def push(self, said):
        receipts = []
        for one in said:
            answer = self._answers.pop(0) if self._answers else "delivered"
            if isinstance(answer, Exception):
                raise answer
            receipts.append(Receipt(id=one.id, outcome=answer, detail="code 7"))
            self._said.append(one)
        return receipts


def scripted(*answers):
    made = Scripted()
    made._answers.extend(answers)
    return made


def states(said):
    return [(row["subject"], row["state"]) for row in map(row_of, said)]


def row_of(delivery):
    return read_row(delivery.body)


@pytest.fixture
def telling(small_outward):
    """A study is known and a pipeline told."""
    small_outward.study()
    small_outward.tell()
    return small_outward


# -- retry


def test_a_delivery_that_is_not_taken_now_is_said_again_later(telling):
    target = scripted("later", "later")
    deliverer = telling.deliverer(connector=target)
    telling.enroll(1)

    tries = []
    for wait in (0, 1.9, 0.2, 3.7, 0.4):
        telling.clock.move(wait)
        telling.run(deliverer)
        tries.append(len(target._said))

    assert tries == [1, 1, 2, 2, 3]  # full jitter drawn at its most: 2 s, then 4 s
    assert telling.rows("state, tries") == [("delivered", 3)]


def test_waits_are_drawn_between_a_second_and_fifteen_minutes(telling):
    target = scripted(*["later"] * 40)
    draws = random.Random(4)
    deliverer = telling.deliverer(connector=target, chance=draws.random)
    telling.enroll(1)
    waits = []
    for _ in range(40):
        telling.run(deliverer)
        [(due, state)] = telling.rows("not_before, state")
        if state != "ready":
            break
        waits.append((due - telling.clock()) / 1_000_000)
        deliverer.breaker.heard(ok=True)
        telling.clock.move(max(waits[-1], 601))
        deliverer.breaker.heard(ok=True)

    assert len(waits) > 20
    assert all(1.0 <= wait <= LONGEST for wait in waits)
    assert len({round(wait) for wait in waits[12:]}) > 5  # drawn, not doubled


def test_a_target_that_names_a_time_is_asked_then_and_not_before(telling):
    target = scripted(TryLater("busy", after=120.0))
    deliverer = telling.deliverer(connector=target)
    telling.enroll(1)
    telling.enroll(2)

    told = []
    for wait in (0, 119, 1):
        telling.clock.move(wait)
        telling.run(deliverer)
        told.append(len(target._said))

    assert told == [0, 0, 2]


def test_it_gives_up_when_the_time_is_over_and_says_so(telling):
    telling.tell(tries_for="1h")
    target = scripted(*["later"] * 60)
    deliverer = telling.deliverer(connector=target)
    telling.enroll(1)
    for _ in range(40):
        telling.run(deliverer)
        telling.clock.move(601)

    [(state, detail, tries)] = telling.rows("state, detail, tries")
    assert state == "refused"
    assert detail == f"gave up after {tries} tries: code 7"
    assert tries >= FEWEST


def test_time_in_which_the_breaker_is_open_uses_up_no_tries(telling):
    target = scripted(*[TryLater("down")] * 5)
    deliverer = telling.deliverer(connector=target)
    for number in range(1, 9):
        telling.enroll(number)
    telling.run(deliverer)
    assert deliverer.breaker.state == "open"
    before = telling.rows("tries"), len(target._said)
    for _ in range(29):
        telling.clock.move(1)
        telling.run(deliverer)
    during = telling.rows("tries"), len(target._said)
    telling.clock.move(2)
    telling.run(deliverer)

    assert during == before
    assert sum(before[0]) == 5
    assert telling.counts().delivered == 8  # one probe, then the rest


def test_conflicts_do_not_open_the_breaker(telling):
    target = scripted(*[TryLater("changed meanwhile", answered=True)] * 6)
    deliverer = telling.deliverer(connector=target)
    for number in range(1, 8):
        telling.enroll(number)
    telling.run(deliverer)

    assert deliverer.breaker.state == "closed"
    assert telling.rows("state") == ["ready"] * 6 + ["delivered"]


def test_those_behind_one_that_failed_in_a_batch_have_not_been_tried(telling):
    target = scripted(TryLater("down"))
    deliverer = telling.deliverer(connector=target)
    for number in (1, 2, 3):
        telling.enroll(number)
    deliverer.step()

    assert telling.rows("state, tries") == [("ready", 1), ("ready", 0), ("ready", 0)]


# -- parked


def test_a_refused_delivery_is_parked_with_the_targets_words_and_its_lane_goes_on(telling):
    target = scripted("refused")
    deliverer = telling.deliverer(connector=target)
    telling.enroll(1, "screening")
    telling.enroll(1, "enrolled")
    telling.run(deliverer)

    assert telling.rows("state, detail") == [("refused", "code 7"), ("delivered", "code 7")]


def test_a_refused_delivery_can_be_said_again(telling):
    target = scripted("refused")
    deliverer = telling.deliverer(connector=target)
    telling.enroll(1)
    telling.run(deliverer)

    telling.writer.keep([], [], [deliveries.again(telling.rows("id"))])
    telling.run(deliverer)

    assert telling.rows("state") == ["delivered"]
    assert len({one.id for one in target._said}) == 1


def test_a_refused_delivery_is_not_said_again_behind_a_later_version(telling):
    target = scripted("refused")
    deliverer = telling.deliverer(connector=target)
    telling.enroll(1, "screening")
    telling.enroll(1, "enrolled")
    telling.run(deliverer)

    telling.writer.keep([], [], [deliveries.again(telling.rows("id")[:1])])
    telling.run(deliverer)

    assert telling.rows("state") == ["refused", "delivered"]


def test_a_value_without_a_word_for_it_is_parked_before_anything_is_sent(small_outward):
    rows = (small_outward.house.folder / "mappings/outbound/rows.yaml").read_text()
    worded = rows.replace("state: state,", "state: {path: state, then: [native subject-words]},")
    small_outward.write(
        **{
            "mappings/outbound/rows.yaml": worded,
            "codes/subject-words.csv": "native,canonical\non,enrolled\n",
        }
    )
    small_outward.study()
    small_outward.tell()
    target = scripted()
    deliverer = small_outward.deliverer(connector=target)
    small_outward.enroll(1, "withdrawn")
    small_outward.enroll(2, "enrolled")
    small_outward.run(deliverer)

    [(state, detail), (second, _)] = small_outward.rows("state, detail")
    assert (state, second) == ("refused", "delivered")
    assert detail.startswith("unmapped-code at state")
    assert states(target._said) == [("S-2", "on")]


def test_a_setting_that_is_wrong_stops_the_pipeline_and_says_so(telling):
    target = scripted(Misconfigured("the password is refused"))
    deliverer = telling.deliverer(connector=target)
    telling.enroll(1)
    telling.run(deliverer)
    complained = deliverer.trouble
    telling.clock.move(299)
    telling.run(deliverer)
    before = len(target._said)
    telling.clock.move(1)
    telling.run(deliverer)

    assert complained == "the password is refused"
    assert (before, len(target._said), deliverer.trouble) == (0, 1, "")


def test_a_connector_that_breaks_leaves_an_unknown_outcome(telling):
    telling.tell(on_unknown="hold")
    target = scripted(RuntimeError("a stranger's fault"))
    deliverer = telling.deliverer(connector=target)
    telling.enroll(1)
    telling.run(deliverer)

    assert telling.rows("state, detail") == [("unknown", "the connector gave no receipt")]
    assert deliverer.trouble == "the connector failed with RuntimeError"


# -- unknown


def test_what_was_under_way_when_the_hub_died_is_said_again_in_the_same_bytes(outward):
    outward.study()
    outward.tell()
    target = Flaky(faults=(Fault(at=0, kind="crash"),))
    deliverer = outward.deliverer(connector=target)
    outward.enroll(1)
    with pytest.raises(Crash):
        outward.run(deliverer)
    at_death = outward.rows("state, tries, said is not null")

    outward.enroll(1, "withdrawn")
    outward.say(
        Stated(entity="Study", key="st1", fields={"title": "Renamed"},
               identifiers=(Identifier("nct", "NCT04280705"),))
    )  # fmt: skip
    outward.clock.move(3)
    born_again = outward.deliverer(connector=target)
    outward.clock.move(3)
    outward.run(born_again)

    assert [(s, t, bool(n)) for s, t, n in at_death] == [("sending", 0, True)]
    assert outward.rows("state, tries") == [("delivered", 2), ("delivered", 1)]
    assert [row_of(one)["state"] for one in target.taken()] == ["enrolled", "withdrawn"]
    assert [one.id for one in target.taken()] == outward.rows("id")


def test_an_unanswered_delivery_is_repeated_in_the_same_bytes_under_its_id(telling):
    target = scripted("unknown", "unknown")
    deliverer = telling.deliverer(connector=target)
    telling.enroll(1, enrolled_on="2026-03-01")
    for _ in range(3):
        telling.run(deliverer)
        telling.enroll(1, enrolled_on="2026-03-02")
        telling.clock.move(5)

    assert len(target._said) == 3
    assert len(set(map(repr, target._said))) == 1


def test_what_was_sent_is_forgotten_once_it_is_delivered(telling):
    deliverer = telling.deliverer(connector=scripted("later"))
    telling.enroll(1)
    telling.run(deliverer)
    [kept] = telling.rows("said")
    telling.clock.move(3)
    telling.run(deliverer)

    assert b"S-1" not in bytes(kept)  # sealed
    assert telling.rows("said") == [None]


@pytest.mark.parametrize(
    ("decided", "ends", "times"),
    [("accepted", "delivered", 2), ("declined", "refused", 1), ("expired", "refused", 1)],
)
def test_an_unknown_outcome_may_be_held_for_a_person(outward, decided, ends, times):
    outward.study()
    outward.tell(on_unknown="hold")
    target = scripted("unknown")
    deliverer = outward.deliverer(connector=target)
    outward.enroll(1, "screening")
    outward.enroll(1, "enrolled")
    outward.enroll(2, "enrolled")
    outward.run(deliverer)
    held = outward.rows("state")
    outward.run(deliverer)
    outward.obey()

    [(_, kind, evidence, proposal, state)] = outward.decisions()
    outward.lapse() if decided == "expired" else outward.decide(decided)
    outward.run(deliverer)

    assert held == ["unknown", "behind", "delivered"]  # its lane waits, no other does
    assert (kind, state, orjson.loads(evidence)["question"]) == ("delivery", "open", "unknown")
    assert orjson.loads(proposal)["delivery"] == outward.rows("id")[0]
    assert outward.rows("state") == [ends, "delivered", "delivered"]
    assert states(target._said).count(("S-1", "screening")) == times


# -- approval


def test_what_waits_for_a_person_keeps_no_other_record_waiting(outward):
    """Two subjects of one person, who keep their order where nobody is asked."""
    outward.study()
    outward.tell(approval=True)
    deliverer = outward.deliverer(connector=scripted())
    outward.enroll(1, "screening", person="p1")
    outward.enroll(2, "screening", person="p1")
    outward.run(deliverer)

    assert outward.rows("state") == ["approval", "approval"]


def test_nothing_goes_out_before_a_person_approves(outward):
    outward.study()
    outward.tell(approval=True)
    target = scripted()
    deliverer = outward.deliverer(connector=target)
    outward.enroll(1, "screening")
    outward.enroll(1, "enrolled")
    outward.run(deliverer)
    outward.obey()
    outward.clock.move(6)
    outward.run(deliverer)
    before = outward.rows("state"), list(target._said)

    [(_, kind, evidence, proposal, _)] = outward.decisions()
    outward.decide("accepted")
    outward.clock.move(6)
    outward.run(deliverer)

    assert before == (["approval", "behind"], [])
    assert kind == "delivery"
    assert orjson.loads(evidence)["to"] == "target"
    assert orjson.loads(proposal)["entity"] == "Enrollment"
    assert "S-1" not in evidence + proposal
    assert states(target._said) == [("S-1", "screening")]
    assert outward.rows("state") == ["delivered", "approval"]


def test_what_a_person_was_asked_about_can_be_read_and_is_what_goes_out(telling):
    telling.tell(approval=True)
    target = scripted()
    deliverer = telling.deliverer(connector=target)
    telling.enroll(1)
    telling.run(deliverer)
    telling.obey()
    [(one, cell)] = telling.rows("id, said")
    read = unpack(telling.house.keyring, one, bytes(cell)).body

    telling.study(nct="NCT00000102")  # the study has another number by now
    telling.decide("accepted")
    telling.clock.move(6)
    telling.run(deliverer)

    [sent] = target._said
    assert sent.body == read
    assert b"S-1" in read
    assert telling.house.journal.session.one("select count(*) from fingerprint")[0] > 0


def test_what_nobody_approves_of_in_time_is_never_sent(telling):
    telling.tell(approval=True)
    target = scripted()
    deliverer = telling.deliverer(connector=target)
    telling.enroll(1)
    telling.run(deliverer)
    telling.obey()
    telling.lapse()
    telling.clock.move(6)
    telling.run(deliverer)

    assert target._said == []
    assert telling.rows("state, detail") == [("refused", "nobody answered in time")]


def test_a_declined_delivery_is_never_sent(telling):
    telling.tell(approval=True)
    target = scripted()
    deliverer = telling.deliverer(connector=target)
    telling.enroll(1)
    telling.run(deliverer)
    telling.obey()
    telling.decide("declined")
    telling.clock.move(6)
    telling.run(deliverer)

    assert target._said == []
    assert telling.rows("state, detail") == [("refused", "declined by ada")]


# -- waiting


def test_a_delivery_waits_for_what_its_target_must_know_and_holds_its_lane_only(telling):
    target = scripted()
    deliverer = telling.deliverer(connector=target)
    telling.enroll(1, "screening", study="unheard-of")
    telling.enroll(1, "enrolled", study="unheard-of")
    telling.enroll(2, "enrolled")
    telling.run(deliverer)
    before = states(target._said), telling.rows("state, detail, tries")

    telling.study(nct="NCT00000102", key="unheard-of")
    telling.clock.move(2)
    telling.run(deliverer)

    assert before[0] == [("S-2", "enrolled")]
    assert before[1][0] == ("waiting", "study.identifier(nct) is not known yet", 0)
    assert states(target._said)[1:] == [("S-1", "screening"), ("S-1", "enrolled")]


def test_what_a_version_lacks_is_filled_from_what_is_known_by_now(small_outward):
    rows = (small_outward.house.folder / "mappings/outbound/rows.yaml").read_text()
    text = rows.replace('"study.identifier(nct)"]', '"study.identifier(nct)", enrolled_on]')
    small_outward.write(**{"mappings/outbound/rows.yaml": text})
    small_outward.study()
    small_outward.tell()
    target = scripted()
    deliverer = small_outward.deliverer(connector=target)
    small_outward.enroll(1, "screening")
    small_outward.run(deliverer)
    before = small_outward.rows("state")
    small_outward.enroll(1, "enrolled", enrolled_on="2026-03-01")
    small_outward.clock.move(2)
    small_outward.run(deliverer)

    assert before == ["waiting"]
    assert [(r["state"], r["on"]) for r in map(row_of, target._said)] == [
        ("screening", "2026-03-01"), ("enrolled", "2026-03-01"),
    ]  # fmt: skip


# -- pause


def test_a_paused_target_is_told_nothing_and_loses_nothing(telling):
    target = scripted()
    deliverer = telling.deliverer(connector=target)
    telling.paused["target"] = "paused"
    telling.enroll(1)
    telling.run(deliverer)
    while_paused = list(target._said)
    telling.paused.clear()
    telling.run(deliverer)

    assert while_paused == []
    assert states(target._said) == [("S-1", "enrolled")]


def test_a_draining_target_is_told_what_waits_and_nothing_new(telling):
    target = scripted("later")
    deliverer = telling.deliverer(connector=target)
    telling.enroll(1)
    telling.run(deliverer)
    telling.paused["target"] = "draining"
    telling.enroll(2)
    telling.clock.move(5)
    telling.run(deliverer)

    assert states(target._said) == [("S-1", "enrolled")] * 2
    assert telling.rows("state") == ["delivered"]


# -- order


def test_each_lane_keeps_its_order_whatever_the_target_does(outward):
    outward.study()
    outward.tell()
    target = Flaky(seed=11, later=0.25, unknown=0.2, refuse=0.05)
    draws = random.Random(5)
    deliverer = outward.deliverer(connector=target, chance=draws.random)
    order: dict[str, list[str]] = {}
    steps = ("prescreened", "screening", "eligible", "enrolled", "on_treatment", "completed")
    burst = random.Random(6)
    at = dict.fromkeys(range(1, 9), 0)
    while any(place < len(steps) for place in at.values()):
        number = burst.choice([n for n, place in at.items() if place < len(steps)])
        for _ in range(burst.randint(1, 4)):
            if at[number] < len(steps):
                outward.enroll(number, steps[at[number]])
                order.setdefault(f"S-{number}", []).append(steps[at[number]])
                at[number] += 1
        deliverer.step()

    for _ in range(3000):
        if outward.counts().waiting == 0:
            break
        outward.clock.move(20)
        deliverer.step()

    heard: dict[str, list[str]] = {}
    for subject, state in states(target.taken()):
        heard.setdefault(subject, []).append(state)
    assert outward.counts().waiting == 0
    for subject, told in heard.items():
        assert told == [state for state in order[subject] if state in told], subject
    ended = outward.counts()
    assert ended.delivered + ended.refused == len(steps) * 8
    assert len(target.taken()) >= ended.delivered


def test_a_person_keeps_one_lane_over_all_their_enrollments(telling):
    target = scripted("later")
    deliverer = telling.deliverer(connector=target)
    telling.enroll(1, person="p")
    telling.enroll(2, person="p")
    telling.enroll(3, person="q")
    telling.run(deliverer)

    assert telling.rows("state") == ["ready", "behind", "delivered"]


# -- counting


def test_deliveries_are_counted_by_connection(telling):
    target = scripted("refused", "delivered", "later")
    deliverer = telling.deliverer(connector=target)
    for number in (1, 2, 3):
        telling.enroll(number)
    telling.run(deliverer)

    found = deliveries.counts(telling.house.journal.session)

    assert deliveries.by_connection(found, {"out": "target", "none": "edc"}) == {
        "target": deliveries.Counts(delivered=1, refused=1, waiting=1),
        "edc": deliveries.Counts(),
    }
