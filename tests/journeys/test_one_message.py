"""One message's whole journey: over MLLP into the journal, understood, settled, readable."""

from __future__ import annotations

import asyncio
import re

import hl7.mllp

ADT = (
    "MSH|^~\\&|ADT|UH|CROHUB|UH|20261101120000+0000||ADT^{event}|{id}|P|2.5.1\r"
    "EVN|{event}|20261101120000+0000\r"
    "PID|1||{mrn}^^^UH^MR||{name}||19700101|{sex}\r{more}"
)


def adt(control_id, mrn, *, event="A04", name="DOE^JANE", sex="F", more=""):
    message = ADT.format(event=event, id=control_id, mrn=mrn, name=name, sex=sex, more=more)
    return message.encode()


def hospital(hub, *, participants="all"):
    hub.write(
        "connections/hospital.yaml",
        "connector: hl7v2\nsystem: ehr\nrole: EHR\nsettings: {port: 0}\n",
    )
    hub.write(
        "pipelines/hospital.yaml",
        'reads: {connection: hospital, stream: "*"}\n'
        "mappings: [hl7v2/participant, hl7v2/merge, hl7v2/appointment]\n"
        f'lane: "PID-3[5=MR].1"\nparticipants: {participants}\n',
    )


async def say(hub, *messages):
    """Sends messages one after the other; the acknowledgement codes."""
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


def test_a_registration_becomes_a_participant_that_can_be_read(on_both):
    hospital(on_both)

    codes = asyncio.run(say(on_both, adt("M1", "12345")))

    assert codes == ["AA"]
    assert on_both.ask("select sex, year_of_birth from participant") == [("female", 1970)]


def test_the_same_message_again_has_one_effect_and_another_body_is_parked(on_both):
    hospital(on_both)
    first, other = adt("M1", "12345"), adt("M1", "12345", sex="M")

    codes = asyncio.run(say(on_both, first, first, other, other))

    assert codes == ["AA", "AA", "AE", "AE"]
    assert on_both.ask("select sex, version from participant") == [("female", 1)]
    assert [row[0] for row in on_both.ask("select state from outcome")] == ["parked"]


def test_a_merge_leads_later_traffic_to_the_survivor(on_both):
    hospital(on_both)
    merge = adt("M3", "1", event="A40", more="MRG|2^^^UH^MR\r")

    codes = asyncio.run(
        say(on_both, adt("M1", "1"), adt("M2", "2", sex="M"), merge, adt("M4", "2", sex="O"))
    )

    assert codes == ["AA"] * 4
    rows = on_both.ask("select sex from participant where superseded_by is null")
    assert len(rows) == 1


def test_people_in_no_study_are_held_and_no_record_is_made(on_both):
    hospital(on_both, participants="known_only")

    codes = asyncio.run(say(on_both, adt("M1", "1"), adt("M2", "2")))

    assert codes == ["AA", "AA"]
    assert on_both.ask("select count(*) from participant") == [(0,)]
    assert [row[0] for row in on_both.ask("select state from outcome order by seq")] == [
        "held", "held",
    ]  # fmt: skip


def test_a_restart_goes_on_where_it_stood(on_both):
    hospital(on_both)

    asyncio.run(say(on_both, adt("M1", "1")))
    asyncio.run(say(on_both, adt("M1", "1"), adt("M2", "1", sex="M")))

    assert on_both.ask("select sex, version from participant") == [("male", 2)]
