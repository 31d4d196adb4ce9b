"""What comes late, twice, imprecise or at midnight."""

from __future__ import annotations

import asyncio
import itertools
import re

import hl7.mllp
import pytest

PID = "PID|1||700123^^^CEDARMESA^MR||BEGAY^ANNA||{}|F"
ANNA = PID.format("19850201")


def test_11_a_visit_is_moved_three_times_and_the_messages_come_in_any_order(told):
    """A visit of 9 March is moved three times within minutes, and an interface engine mixes the
    messages up. Whichever order they come in, the last move is what stands, the visit is one, and
    the moves before it are found in the past."""
    moves = [("S12", "20260309090000", 0), ("S13", "20260310100000", 10),
             ("S13", "20260311110000", 20), ("S13", "20260312120000", 30)]  # fmt: skip
    for number, order in enumerate(itertools.permutations(moves)):
        for event, to, minute in order:
            told.hl7(
                f"SIU^{event}",
                f"SCH|P-1|A{number}^CAD|||||RSCH|C1D1|||^^^{to}-0700||||||||||||||Booked",
                ANNA,
                at=f"2026-03-02T09:{minute:02}:00-07:00",
            )
    visits = told.all("ParticipantVisit")

    assert len(visits) == 24
    assert {one["scheduled_at"] for one in visits} == {"2026-03-12T19:00:00Z[-07:00]"}
    assert {one["status"] for one in visits} == {"scheduled"}
    then = {told.then(one, "ParticipantVisit", as_of="2026-03-02T16:15:00")["scheduled_at"]
            for one in visits}  # fmt: skip
    assert then == {"2026-03-10T17:00:00Z[-07:00]"}


def test_12_a_birth_date_is_as_precise_as_it_was_said(told):
    """The hospital knows that Anna was born in March 1985, REDCap only the year. The hub says March
    1985, never the first of it, and the two do not contradict. Then the hospital learns the day."""
    told.hl7("ADT^A04", PID.format("198503"))
    told.numbers = {"mrn_of": "CEDARMESA"}
    told.says("redcap", [{"record_id": "7", "mrn": "700123", "birth_date": "1985"}])

    anna = told.one("Participant", "phi")
    assert (anna["phi"]["birth_date"], anna["year_of_birth"]) == ("1985-03", 1985)
    assert told.findings() == []
    told.hl7("ADT^A08", PID.format("19850305"))
    assert told.one("Participant", "phi")["phi"]["birth_date"] == "1985-03-05"
    assert told.one("Participant")["id"] == anna["id"]
    assert told.findings() == []


def patient(version, at, gender):
    number = {"type": {"coding": [{"code": "MR"}]}, "value": "700123", "system": "CEDARMESA"}
    return {"resourceType": "Patient", "id": "p1", "identifier": [number], "gender": gender,
            "meta": {"versionId": version, "lastUpdated": at}}  # fmt: skip


def test_19_an_older_message_that_comes_late_overwrites_nothing(told):
    """Over FHIR version 2 of a patient comes after version 3, over HL7 an update of 9 o'clock after
    that of 10. What the newer said stands, what only the older said is added, and both are kept."""
    told.says("fhir", patient("3", "2026-03-03T09:00:00Z", "female"))
    told.says("fhir", patient("2", "2026-03-02T09:00:00Z", "male"))
    assert [one["sex"] for one in told.all("Participant")] == ["female"]

    told.hl7("ADT^A08", PID.format("19700101").replace("700123", "700200"),
             at="2026-03-04T10:00:00-07:00")  # fmt: skip
    late = PID.format("19700101").replace("700123", "700200").replace("|F", "|M||2106-3")
    told.hl7("ADT^A08", late, at="2026-03-04T09:00:00-07:00")
    [second] = told.found("Participant", "mrn", "700200")
    assert (second["sex"], second["race"]) == ("female", ["white"])
    before = told.then(second, "Participant", as_of="2026-03-04T16:30:00")
    assert before["sex"] == "male"


CONNECTION = "connector: hl7v2\nsystem: ehr\nrole: EHR\nsettings: {port: 0}\n"
PIPELINE = (
    'reads: {connection: hospital, stream: "*"}\nmappings: [hl7v2/participant]\n'
    'lane: "PID-3[5=MR].1"\nparticipants: all\n'
)


async def sent(hub, *messages):
    """What the hub acknowledges each message with."""
    codes = []
    async with hub.running() as edge:
        reader, writer = await hl7.mllp.open_hl7_connection(*edge.addresses["hospital"])
        for message in messages:
            writer.writeblock(message)
            await writer.drain()
            block = await asyncio.wait_for(reader.readblock(), 20)
            codes.append(re.search(rb"MSA\|([A-Z]{2})", block)[1].decode())
        writer.close()
        await writer.wait_closed()
        await hub.settled()
    return codes


def test_20_a_control_id_that_was_used_comes_again_with_other_content(on_both):
    """The hospital's engine was restored from a copy and numbers its messages from 1 again. The
    second message 1 is about somebody else: it is refused, kept whole and parked with the reason,
    and never taken for a repetition. The true repetition is answered again and changes nothing."""
    on_both.write("connections/hospital.yaml", CONNECTION)
    on_both.write("pipelines/hospital.yaml", PIPELINE)
    head = "MSH|^~\\&|HIS|CEDARMESA|||20260302090000-0700||ADT^A04|1|P|2.5.1\r"
    anna = f"{head}{ANNA}\r".encode()
    other = f"{head}PID|1||700999^^^CEDARMESA^MR||YAZZIE^BEN||19700101|M\r".encode()

    assert asyncio.run(sent(on_both, anna, anna, other)) == ["AA", "AA", "AE"]

    assert on_both.ask("select sex, version from participant") == [("female", 1)]
    (_, first, state, _), (_, second, parked, reason) = on_both.became()
    assert (first, state) == (anna, "done")
    assert (second, parked) == (other, "parked")
    assert "another body" in reason


ZONES = ("America/Phoenix", "Pacific/Honolulu", "Pacific/Auckland", "UTC", "Asia/Kolkata")


@pytest.mark.parametrize("zone", ZONES)
def test_22_midnight_of_a_place_stays_that_day(told, zone):
    """Systems write a day as midnight of their own place, which is the day before or after in UTC.
    A day is a day: 2 March stays 2 March, whoever says it and wherever the hub or its reader is."""
    told.zone = zone
    registered = "CSR|ONC-101^ACME||CM|101-001^^^ONC-101||20260302000000|||20260302000000-1000"
    told.hl7("CRM^C01", PID.format("19850302000000"), registered)
    told.says("fhir", {"resourceType": "ResearchSubject", "id": "s1", "status": "active",
                       "period": {"start": "2026-03-02T00:00:00+13:00"}})  # fmt: skip
    told.says("billing", {"BillingDocument": "1", "SDDocumentCategory": "M",
                          "BillingDocumentDate": "/Date(1772409600000)/"})  # fmt: skip
    told.says("workers", {"Employee_ID": "E1", "Hire_Date": "2026-03-02"})

    days = {one["enrolled_on"] for one in told.all("Enrollment")}
    consented = {one["consented_on"] for one in told.all("Enrollment")} - {None}
    assert days == consented == {"2026-03-02"}
    assert told.one("Participant", "phi", sex="female")["phi"]["birth_date"] == "1985-03-02"
    assert told.one("Invoice")["issued_on"] == "2026-03-02"
    assert told.one("Person")["hired_on"] == "2026-03-02"
