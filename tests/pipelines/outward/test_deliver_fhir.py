"""Told to a FHIR server: it must know study and patient first, and says back what it was told."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest

from crohub.sandbox.fhir_server import FhirServer
from crohub.sandbox.fhir_store import FhirStore
from hub.statement import Identifier, Stated
from pipelines.pull import pull

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
CTMS = (
    "connector: fhir\nsystem: ctms\nrole: CTMS\nsettings:\n  base_url: {url}\n  deletes: never\n"
    "  http: {{attempts: 1}}\n"
)
SUBJECTS = (
    "reads: {connection: ctms, stream: ResearchSubject}\nlane: id\nmappings: [fhir/enrollment]\n"
)
OUT = "feed: versions\nmapping: fhir/research-subject\nto: ctms\nmode: on\n"


@pytest.fixture
def server():
    """A register that knows one study and two patients."""
    store = FhirStore()
    store.put({"resourceType": "ResearchStudy", "id": "onc101", "status": "active"}, NOW)
    for n in (1, 2):
        store.put({"resourceType": "Patient", "id": f"pat{n}"}, NOW)
    made = FhirServer(store, lambda: NOW)
    made.start()
    yield made
    made.stop()


def told_ctms(outward, server):
    """What tells the register, which has said so far that it knows the study."""
    outward.write(
        connections__ctms=CTMS.format(url=server.url),
        pipelines__subjects=SUBJECTS,
        pipelines__out=OUT,
    )
    outward.study()
    outward.study(system="ctms", key="onc101")
    return outward.deliverer()


def patients(outward, *numbers, ctms=True):
    for n in numbers:
        mrn = (Identifier("mrn", f"100{n}", "NORTH"),)
        for system, key in (("edc", f"p{n}"), ("ctms", f"pat{n}"))[: 2 if ctms else 1]:
            outward.say(
                Stated(entity="Participant", key=key, fields={}, identifiers=mrn), system=system
            )


def pulled(outward):
    """Everything the register says of its subjects arrives and is settled."""
    connector = outward.house.deployment.connector("ctms")
    intake = outward.house.intake(outward.writer)
    run = pull(
        connector, "ctms", "ResearchSubject", intake=intake,
        journal=outward.house.journal.session, clock=outward.clock,
    )  # fmt: skip
    assert run.state == "done", run
    outward.obey()


def subjects(server):
    return [v.resource for v in server.store.current("ResearchSubject")]


def test_a_subject_waits_until_the_server_knows_study_and_patient(outward, server):
    deliverer = told_ctms(outward, server)
    patients(outward, 1, ctms=False)
    outward.enroll(1, "enrolled", enrolled_on="2026-03-01")
    outward.run(deliverer)
    before = outward.rows("state, detail"), subjects(server)
    patients(outward, 1)
    outward.clock.move(2)
    outward.run(deliverer)

    assert before == ([("waiting", "participant.key is not known yet")], [])
    [subject] = subjects(server)
    assert subject["study"] == {"reference": "ResearchStudy/onc101"}
    assert subject["individual"] == {"reference": "Patient/pat1"}
    assert (subject["status"], subject["period"]) == ("on-study", {"start": "2026-03-01"})
    assert outward.rows("state, native_id") == [("delivered", subject["id"])]


def test_every_status_goes_out_in_order_and_leaves_one_subject(small_outward, server):
    deliverer = told_ctms(small_outward, server)
    patients(small_outward, 1, 2)
    for state in ("screening", "enrolled", "on_treatment", "completed"):
        small_outward.enroll(1, state)
        small_outward.enroll(2, state)
    small_outward.run(deliverer)

    said = {}
    for one in server.pushed:
        said.setdefault(one.id, []).append(one.body["status"])
    assert len(subjects(server)) == 2
    assert list(said.values()) == [
        ["screening", "on-study", "on-study-intervention", "off-study"]
    ] * 2  # fmt: skip
    assert all(one.condition.startswith("identifier=") for one in server.pushed)


def test_a_server_that_puts_us_off_is_given_its_time(small_outward, server):
    deliverer = told_ctms(small_outward, server)
    patients(small_outward, 1)
    small_outward.enroll(1)
    server.requests, server.hiccup_every = 0, 1
    small_outward.run(deliverer)
    during = small_outward.rows("state")
    server.hiccup_every = 0
    for _ in range(5):
        small_outward.clock.move(700)
        small_outward.run(deliverer)

    assert during == ["ready"]
    assert small_outward.rows("state") == ["delivered"]
    assert len(subjects(server)) == 1


def test_a_crash_before_the_answer_leaves_one_subject(small_outward, server):
    deliverer = told_ctms(small_outward, server)
    patients(small_outward, 1)
    small_outward.enroll(1)
    honest = deliverer.connector

    class Dies:
        def push(self, said):
            honest.push(said)
            raise KeyboardInterrupt

    deliverer.connector = Dies()
    with pytest.raises(KeyboardInterrupt):
        small_outward.run(deliverer)
    reborn = small_outward.deliverer()
    small_outward.clock.move(5)
    small_outward.run(reborn)

    assert len(server.pushed) == 2
    assert len(subjects(server)) == 1
    assert small_outward.rows("state") == ["delivered"]


# -- the echo


def test_what_comes_back_does_not_hold_the_old_value(outward, server):
    deliverer = told_ctms(outward, server)
    patients(outward, 1)
    outward.enroll(1, "randomised", enrolled_on="2026-03-01")
    outward.run(deliverer)
    pulled(outward)
    between = outward.house.rows("select state from enrollment")

    outward.enroll(1, "withdrawn", enrolled_on="2026-03-01")

    [(echo,)] = outward.house.rows(
        "select a.echo from assertion a join xref x on x.x = a.x "
        "where x.system = 'ctms' and a.entity = 'Enrollment'"
    )
    # FHIR has one word for enrolled and randomised: what comes back is "enrolled", and our echo
    assert {"state", "enrolled_on", "subject_number"} <= set(orjson.loads(echo))
    assert between == [("randomised",)]
    assert outward.house.rows("select state from enrollment") == [("withdrawn",)]


def test_what_the_target_says_of_its_own_accord_still_counts(outward, server):
    deliverer = told_ctms(outward, server)
    patients(outward, 1)
    outward.enroll(1, "enrolled")
    outward.run(deliverer)
    [subject] = subjects(server)
    server.store.put(subject | {"status": "follow-up"}, NOW)
    pulled(outward)

    outward.enroll(1, "withdrawn")

    assert outward.house.rows("select state from enrollment") == [("follow_up",)]


def test_without_knowing_the_echo_the_stronger_system_would_hold_the_old_value(outward, server):
    deliverer = told_ctms(outward, server)
    patients(outward, 1)
    outward.enroll(1, "enrolled")
    outward.run(deliverer)
    outward.settler.context.echoes = None
    pulled(outward)

    outward.enroll(1, "withdrawn")

    assert outward.house.rows("select state from enrollment") == [("enrolled",)]


def test_an_echo_is_not_said_back_again(small_outward, server):
    deliverer = told_ctms(small_outward, server)
    patients(small_outward, 1)
    small_outward.enroll(1, "enrolled")
    small_outward.run(deliverer)
    for _ in range(3):
        pulled(small_outward)
        small_outward.run(deliverer)

    assert len(server.pushed) == 1
