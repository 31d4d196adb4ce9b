"""What the listener answers to each kind of message, good and bad."""

import asyncio
import re
from datetime import UTC, datetime

import pytest

from connectors.formats import er7
from connectors.hl7v2 import Hl7v2, answer, intake
from connectors.protocol import Accepted

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


class Hub:
    """Keeps records as the journal does: the same key with the same body is one message."""

    def __init__(self):
        self.records = {}
        self.seen = []

    def accept(self, record):
        self.seen.append(record)
        known = self.records.setdefault(record.message_key, record)
        outcome = "kept" if known.body == record.body else "conflict"
        future = asyncio.get_running_loop().create_future()
        future.set_result(Accepted(outcome, again=known is not record))
        return future


class Full(Hub):
    def accept(self, record):
        future = asyncio.get_running_loop().create_future()
        future.set_result(Accepted("full"))
        return future


class Refusing(Hub):
    reason = "201 this event has no place here"

    def accept(self, record):
        future = asyncio.get_running_loop().create_future()
        future.set_result(Accepted("refused", self.reason))
        return future


def message(
    type_="ADT^A01^ADT_A01", id_="C1", mode="P", version="2.5.1", acks="|", charset="", *more
):
    head = f"MSH|^~\\&|LAB|NORTH|HUB|SITE|20260301110000||{type_}|{id_}|{mode}|{version}|||{acks}"
    head += f"||{charset}"
    return "\r".join([head, "PID|1||A1^^^NORTH^MR", *more, ""]).encode()


def talk(frames, hub=None, *, answers=None, **settings):
    """Send frames on one connection, close our half, and read what comes back."""

    async def conversation():
        kept = hub or Hub()
        ready = asyncio.get_running_loop().create_future()
        connector = Hl7v2(port=0, **settings)
        task = asyncio.create_task(
            connector.listen(
                kept.accept,
                started=lambda host, port: ready.set_result((host, port)),
                now=lambda: NOW,
            )
        )
        reader, writer = await asyncio.open_connection(*await ready)
        for frame in frames:
            writer.write(frame)
        writer.write_eof()
        data = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return kept, data

    kept, data = asyncio.run(conversation())
    return kept, [part.removeprefix(b"\x0b") for part in data.split(b"\x1c\r") if part]


def ask(body, hub=None, **settings):
    kept, answers = talk([b"\x0b" + body + b"\x1c\r"], hub, **settings)
    return kept, [er7.read(one) for one in answers]


def said(reply):
    """MSA-1, MSA-2 and the code of ERR-3."""
    error = reply.first("ERR")
    return reply.first("MSA").field(1), reply.first("MSA").field(2), error.value(3) if error else ""


def test_a_good_message_is_kept_and_accepted():
    hub, (reply,) = ask(message())

    (record,) = hub.seen
    assert said(reply) == ("AA", "C1", "")
    assert record.body == message()
    assert (record.stream, record.message_key) == ("ADT", "LAB|NORTH|C1")
    assert record.at == datetime(2026, 3, 1, 11, 0, tzinfo=UTC)
    assert (record.media, record.test, record.fault, record.notes) == ("hl7v2", False, "", ())


def test_the_answer_goes_back_the_way_the_message_came():
    _, (reply,) = ask(message())

    msh = reply.first("MSH")
    assert [msh.field(n) for n in (3, 4, 5, 6)] == ["HUB", "SITE", "LAB", "NORTH"]
    assert msh.field(7) == "20260301120000+0000"
    assert msh.field(9) == "ACK^A01^ACK"
    assert (msh.field(11), msh.field(12)) == ("P", "2.5.1")


def test_we_are_called_as_the_settings_say():
    _, (reply,) = ask(message(), application="CROHUB", facility="UH")

    assert [reply.first("MSH").field(n) for n in (3, 4)] == ["CROHUB", "UH"]


def test_times_without_an_offset_are_of_the_connections_zone():
    hub, _ = ask(message(), timezone="America/New_York")

    assert hub.seen[0].at == datetime(2026, 3, 1, 16, 0, tzinfo=UTC)


def test_an_unreadable_time_becomes_the_time_of_arrival_with_a_note():
    hub, (reply,) = ask(message().replace(b"20260301110000", b"201610015080000"))

    assert said(reply)[0] == "AA"
    assert hub.seen[0].at == NOW
    assert hub.seen[0].dated == "arrival"
    assert "MSH-7" in hub.seen[0].notes[0]


@pytest.mark.parametrize("time", [b"201610015080000", b""])
def test_where_the_time_is_unreadable_that_of_the_event_is_taken(time):
    body = message().replace(b"20260301110000", time) + b"EVN|A01|20260228093000\r"
    hub, _ = ask(body, timezone="America/New_York")

    assert hub.seen[0].at == datetime(2026, 2, 28, 14, 30, tzinfo=UTC)
    assert hub.seen[0].dated == "instead"
    assert "EVN-2" in hub.seen[0].notes[0]


def test_a_readable_time_is_the_messages_own():
    hub, _ = ask(message())

    assert hub.seen[0].dated == "said"


@pytest.mark.parametrize("mode", ["T", "D", "T^I"])
def test_what_the_sender_marks_as_no_production_is_marked(mode):
    hub, (reply,) = ask(message(mode=mode))

    assert said(reply)[0] == "AA"
    assert hub.seen[0].test


@pytest.mark.parametrize(
    ("body", "expected", "place"),
    [
        (message(type_=""), ("AR", "C1", "101"), "MSH^1^9"),
        (message(id_=""), ("AR", "", "101"), "MSH^1^10"),
        (message(mode="X"), ("AR", "C1", "202"), "MSH^1^11"),
        (message(mode=""), ("AR", "C1", "202"), "MSH^1^11"),
        (message(version="9.9"), ("AR", "C1", "203"), "MSH^1^12"),
        (message(charset="UNICODE UTF-8") + b"NTE|1||M\xfcller\r", ("AE", "C1", "102"), "MSH^1^18"),
        (message(charset="ASCII") + "NTE|1||Müller\r".encode(), ("AE", "C1", "102"), "MSH^1^18"),
        (message() + b"NTE|1||a\0b\r", ("AE", "C1", "102"), ""),
        (message() + b"OBX|1\r" * 50_000, ("AE", "C1", "102"), ""),
        (message() + b"NTE|1||" + b"x~" * 10_000 + b"\r", ("AE", "C1", "102"), ""),
        (b"", ("AR", "", "100"), "MSH^1"),
        (b"PID|1||x", ("AR", "", "100"), "MSH^1"),
        (b"MSH|", ("AR", "", "100"), "MSH^1"),
        (b"MSH|||LAB", ("AR", "", "100"), "MSH^1"),
        (b"hello", ("AR", "", "100"), "MSH^1"),
    ],
)
def test_a_bad_message_is_stored_with_its_fault_and_refused_with_its_code(body, expected, place):
    hub, (reply,) = ask(body)

    (record,) = hub.seen
    assert said(reply) == expected
    assert reply.first("ERR").field(2) == place
    assert reply.first("ERR").field(4) == "E"
    assert record.body == body
    assert record.fault
    assert "ller" not in record.fault


def test_20000_segments_are_accepted():
    _, (reply,) = ask(message() + b"OBX|1|NM|718-7^Hb||13.1\r" * 20_000)

    assert said(reply)[0] == "AA"


def test_custom_delimiters_are_accepted_and_answered_in_kind():
    hub, (reply,) = ask(b"MSH#*!?$#LAB#NORTH#HUB#SITE#20260301##ADT*A01#C9#P#2.5\rPID#1\r")

    assert reply.body.startswith(b"MSH#*!?$#HUB#SITE#LAB#NORTH#")
    assert said(reply) == ("AA", "C9", "")
    assert hub.seen[0].message_key == "LAB|NORTH|C9"


def test_before_version_2_5_the_error_stands_in_err_1():
    _, (reply,) = ask(message(mode="X", version="2.3"))

    assert reply.first("ERR").value(1, 1) == "MSH"
    assert reply.first("ERR").value(1, 3) == "11"
    assert reply.first("ERR").value(1, 4) == "202"


def test_the_same_message_again_gets_the_same_answer():
    frame = b"\x0b" + message() + b"\x1c\r"

    hub, answers = talk([frame, frame])

    assert answers[0] == answers[1]
    assert len(hub.records) == 1


def test_the_same_control_id_with_another_message_is_a_conflict():
    first, other = message(), message() + b"NTE|1||more\r"

    hub, answers = talk([b"\x0b" + body + b"\x1c\r" for body in (first, other)])

    assert said(er7.read(answers[0])) == ("AA", "C1", "")
    assert said(er7.read(answers[1])) == ("AE", "C1", "205")
    assert len(hub.seen) == 2


def test_a_reused_control_id_is_accepted_where_the_setting_says_so():
    first, other = message(), message() + b"NTE|1||more\r"

    hub, answers = talk(
        [b"\x0b" + body + b"\x1c\r" for body in (first, other, first)], reused_control_id="accept"
    )

    assert [said(er7.read(one))[0] for one in answers] == ["AA", "AA", "AA"]
    assert len(hub.records) == 2


def test_a_message_without_control_id_is_known_by_its_content_where_the_setting_says_so():
    hub, (reply,) = ask(message(id_=""), no_control_id="hash")

    assert said(reply) == ("AA", "", "")
    assert hub.seen[0].message_key.startswith("LAB|NORTH||sha256:")


def test_a_charset_that_lies_is_noted_where_the_setting_tolerates_it():
    body = message(charset="UNICODE UTF-8") + b"NTE|1||M\xfcller\r"

    hub, (reply,) = ask(body, charset="tolerant")

    assert said(reply)[0] == "AA"
    assert hub.seen[0].body == body
    assert any("character set" in note for note in hub.seen[0].notes)


def test_a_refused_message_does_not_use_up_its_control_id():
    wrong, right = message(version="9.9"), message()

    _, answers = talk([b"\x0b" + body + b"\x1c\r" for body in (wrong, right)])

    assert [said(er7.read(one))[0] for one in answers] == ["AR", "AA"]


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        ("ADT^A01", ("AA", "C1", "")),
        ("SIU^S12", ("AA", "C1", "")),
        ("ADT^A02", ("AR", "C1", "201")),
        ("CUSTOM^PAT", ("AR", "C1", "200")),
    ],
)
def test_a_connection_that_lists_types_refuses_the_others(type_, expected):
    hub, (reply,) = ask(message(type_=type_), accepts=("ADT^A01", "SIU"))

    assert said(reply) == expected
    assert len(hub.seen) == 1


def test_a_type_that_nobody_knows_is_accepted_where_none_are_listed():
    _, (reply,) = ask(message(type_="CUSTOM^PAT"))

    assert said(reply)[0] == "AA"


def test_a_byte_order_mark_is_accepted_and_noted():
    hub, (reply,) = ask(b"\xef\xbb\xbf" + message())

    assert said(reply)[0] == "AA"
    assert hub.seen[0].body.startswith(b"\xef\xbb\xbf")
    assert any("byte order mark" in note for note in hub.seen[0].notes)


def test_no_room_is_answered_so_that_the_sender_keeps_the_message():
    _, (reply,) = ask(message(), Full())

    assert said(reply) == ("AE", "C1", "207")


def test_what_the_hub_refuses_is_refused_with_its_code():
    _, (reply,) = ask(message(), Refusing())

    assert said(reply) == ("AR", "C1", "201")


@pytest.mark.parametrize(
    ("acks", "good", "bad"),
    [
        ("|", "AA", "AR"),
        ("AL|NE", "CA", "CR"),
        ("AL|AL", "CA", "CR"),
        ("NE|AL", None, None),
        ("NE|NE", None, None),
        ("ER|AL", None, "CR"),
        ("SU|NE", "CA", None),
        ("|AL", "AA", "AR"),
        ("|NE", None, None),
        (" |", "AA", "AR"),
    ],
)
def test_msh_15_and_16_say_which_answer_is_wanted(acks, good, bad):
    hub, fine = ask(message(acks=acks))
    other, wrong = ask(message(acks=acks, mode="X"))

    assert [said(reply)[0] for reply in fine] == ([good] if good else [])
    assert [said(reply)[0] for reply in wrong] == ([bad] if bad else [])
    assert len(hub.seen) == len(other.seen) == 1


def test_a_conflict_in_enhanced_mode_is_a_commit_error():
    first, other = message(acks="AL|NE"), message(acks="AL|NE") + b"NTE|1\r"

    _, answers = talk([b"\x0b" + body + b"\x1c\r" for body in (first, other)])

    assert [said(er7.read(one))[0] for one in answers] == ["CA", "CE"]


def test_an_application_answer_is_a_message_of_its_own():
    head = er7.header(message(acks="AL|AL"))

    reply = er7.read(
        answer.application_answer(
            head, None, we=answer.From("CROHUB"), stamp="20260301", control_id="OWN1"
        )
    )

    assert reply.first("MSH").field(10) == "OWN1"
    assert said(reply) == ("AA", "C1", "")
    assert [reply.first("MSH").field(n) for n in (15, 16)] == ["AL", "NE"]


@pytest.mark.parametrize(
    ("acks", "wanted"),
    [("AL|AL", "AL"), ("AL|ER", "ER"), ("NE|SU", "SU"), ("AL|NE", ""), ("AL|", ""), ("|AL", "")],
)
def test_a_message_says_which_answer_it_wants_once_it_is_settled(acks, wanted):
    taken = intake.take(message(acks=acks), Hl7v2(port=0)._rules(), lambda: NOW)

    assert taken.record.answer == wanted


def test_a_message_that_is_refused_at_once_wants_no_later_answer():
    body = message(acks="AL|AL").replace(b"|2.5.1", b"|9.9")

    taken = intake.take(body, Hl7v2(port=0)._rules(), lambda: NOW)

    assert taken.against is not None
    assert taken.record.answer == ""


def test_an_answer_that_is_not_ascii_names_its_charset():
    head = er7.header(message(id_="CÄ1", acks="AL|AL", charset="UNICODE UTF-8"))

    reply = answer.application_answer(
        head, None, we=answer.From(), stamp="20260301", control_id="OWN1"
    )

    assert er7.read(reply).first("MSH").field(18) == "UNICODE UTF-8"


@pytest.mark.parametrize(("acks", "wanted"), [("AL|NE", False), ("AL|ER", False), ("AL|SU", True)])
def test_an_application_answer_is_made_only_when_it_is_wanted(acks, wanted):
    head = er7.header(message(acks=acks))

    reply = answer.application_answer(
        head, None, we=answer.From(), stamp="20260301", control_id="OWN1"
    )

    assert (reply is not None) == wanted


def test_a_non_ascii_control_id_comes_back_byte_for_byte():
    body = message(id_="CÄ1", charset="8859/1").decode().encode("latin-1")

    _, answers = talk([b"\x0b" + body + b"\x1c\r"])

    assert b"\rMSA|AA|C\xc41\r" in answers[0]


def test_a_batch_in_a_frame_is_kept_message_by_message_and_answered_as_a_batch():
    one, two = message(id_="B1"), message(id_="B2", mode="X")
    body = b"FHS|^~\\&|A||||||||F77\rBHS|^~\\&|A\r" + one + two + b"BTS|2\rFTS|1\r"

    hub, (reply,) = talk([b"\x0b" + body + b"\x1c\r"])

    assert [record.body for record in hub.seen] == [one, two]
    assert reply.startswith(b"BHS|^~\\&|")
    assert reply.split(b"\r")[0].endswith(b"|F77")
    assert b"MSA|AA|B1" in reply
    assert b"MSA|AR|B2" in reply
    assert reply.endswith(b"BTS|2\r")


def test_a_batch_whose_count_is_wrong_is_refused_whole():
    body = b"BHS|^~\\&|A\r" + message() + b"BTS|2\r"

    hub, (reply,) = ask(body)

    assert said(reply) == ("AR", "", "100")
    assert [record.body for record in hub.seen] == [body]
    assert "BTS-1" in hub.seen[0].fault


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"no message", "100"),
        (message(id_=""), "101"),
        (message(mode="X"), "202"),
        (message(version="9.9"), "203"),
    ],
)
def test_a_refusal_has_a_stable_name_and_a_trace_to_the_stored_message(body, code):
    hub, (reply,) = ask(body)

    error, (record,) = reply.first("ERR"), hub.seen
    assert (error.value(3), error.value(5)) == (code, f"CROHUB-HL7-{code}")
    assert record.fault.startswith(f"CROHUB-HL7-{code}: ")
    assert re.fullmatch(r"sha256:[0-9a-f]{16}", error.value(7))
    assert error.value(7) in record.message_key


def test_before_version_2_5_our_name_is_the_alternate_code_of_err_1():
    _, (reply,) = ask(message(id_="", version="2.3"))

    [code, words, table, name] = reply.first("ERR").field(1).split("^")[3].split("&")
    assert (code, table, name) == ("101", "HL70357", "CROHUB-HL7-101")
    assert words.startswith("MSH-10")


@pytest.mark.parametrize("body", [message(id_=""), b"no message"])
def test_an_answer_to_what_has_no_control_id_has_one_of_its_own(body):
    _, (reply,) = ask(body)

    head = reply.first("MSH")
    assert head.field(10) == head.field(7) != ""
    assert reply.first("MSA").field(2) == ""


def test_two_messages_in_one_frame_are_two_messages():
    one, two = message(id_="B1"), message(id_="B2")

    hub, answers = talk([b"\x0b" + one + two + b"\x1c\r"])

    assert [record.body for record in hub.seen] == [one, two]
    assert [said(er7.read(reply))[1] for reply in answers] == ["B1", "B2"]


def test_hostile_text_is_kept_word_for_word():
    body = message() + b"OBX|1|ST|||=cmd|'/c calc'!A0 <script> '; drop table ${jndi:x}\r"

    hub, (reply,) = ask(body)

    assert said(reply)[0] == "AA"
    assert hub.seen[0].body == body


def test_the_rules_accept_every_released_version():
    assert {"2.1", "2.3.1", "2.5.1", "2.8.2", "2.9"} <= set(intake.VERSIONS)
