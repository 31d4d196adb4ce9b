"""The listener under good, slow, greedy and hostile senders."""

import asyncio
import contextlib
import itertools
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import hl7
import hl7.mllp
import pytest

from connectors.errors import Misconfigured
from connectors.hl7v2 import Hl7v2
from connectors.hl7v2.frame import framed
from connectors.protocol import Accepted

KEPT = Accepted("kept")


def message(number):
    return (
        f"MSH|^~\\&|LAB|NORTH|HUB|SITE|20260301||ADT^A01^ADT_A01|C{number}|P|2.5.1\r"
        f"PID|1||A{number}\r"
    ).encode()


class Slow:
    """Accepts when told to, in whatever order."""

    def __init__(self):
        self.records = []
        self.futures = []

    def __call__(self, record):
        future = asyncio.get_running_loop().create_future()
        self.records.append(record)
        self.futures.append(future)
        return future

    async def until(self, count):
        while len(self.futures) < count:  # noqa: ASYNC110 - a few turns of the loop
            await asyncio.sleep(0.001)


class Quick(Slow):
    def __call__(self, record):
        future = super().__call__(record)
        future.set_result(KEPT)
        return future


@asynccontextmanager
async def listening(accept, **settings):
    started = asyncio.get_running_loop().create_future()
    connector = Hl7v2(port=0, **settings)
    task = asyncio.create_task(
        connector.listen(accept, started=lambda host, port: started.set_result((host, port)))
    )
    try:
        yield await started
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def answers(reader, count):
    found = []
    for _ in range(count):
        frame = await asyncio.wait_for(reader.readuntil(b"\x1c\r"), 10)
        found.append(frame.split(b"\rMSA|")[1].split(b"\r")[0].decode())
    return found


async def closed(reader):
    """What still came before the other side closed or reset the connection."""
    try:
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionResetError:
        return b""


def run(coroutine):
    return asyncio.run(coroutine)


def test_several_frames_in_a_packet_are_answered_in_order():
    async def talk():
        async with listening(Quick()) as address:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(b"".join(framed(message(n)) for n in range(20)))
            found = await answers(reader, 20)
            writer.close()
            return found

    assert run(talk()) == [f"AA|C{n}" for n in range(20)]


def test_a_frame_over_many_packets_is_one_message():
    async def talk():
        hub = Quick()
        async with listening(hub) as address:
            reader, writer = await asyncio.open_connection(*address)
            for byte in framed(message(1)):
                writer.write(bytes([byte]))
                await writer.drain()
            found = await answers(reader, 1)
            writer.close()
            return found, hub.records

    found, (record,) = run(talk())

    assert found == ["AA|C1"]
    assert record.body == message(1)


def test_answers_keep_their_order_whatever_the_order_of_storing():
    async def talk():
        hub = Slow()
        async with listening(hub) as address:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(b"".join(framed(message(n)) for n in range(4)))
            await hub.until(4)
            for n in (2, 0, 3, 1):
                hub.futures[n].set_result(KEPT)
            found = await answers(reader, 4)
            writer.close()
            return found

    assert run(talk()) == ["AA|C0", "AA|C1", "AA|C2", "AA|C3"]


def test_nothing_is_answered_before_it_is_stored():
    async def talk():
        hub = Slow()
        async with listening(hub) as address:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(framed(message(1)))
            await hub.until(1)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(1), 0.05)
            hub.futures[0].set_result(KEPT)
            found = await answers(reader, 1)
            writer.close()
            return found

    assert run(talk()) == ["AA|C1"]


@pytest.mark.parametrize("how", ["raise", "cancel"])
def test_where_storing_is_unsure_the_connection_ends_without_an_answer(how):
    async def talk():
        hub = Slow()
        async with listening(hub) as address:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(framed(message(1)))
            await hub.until(1)
            if how == "raise":
                hub.futures[0].set_exception(OSError("disk"))
            else:
                hub.futures[0].cancel()
            left = await closed(reader)
            writer.close()
            return left

    assert run(talk()) == b""


def test_a_sender_that_does_not_wait_is_read_no_further_than_its_share():
    async def talk():
        hub = Slow()
        async with listening(hub, max_unanswered=8) as address:
            reader, writer = await asyncio.open_connection(*address)
            for n in range(400):
                writer.write(framed(message(n) + b"NTE|1||" + b"x" * 20_000 + b"\r"))
            await hub.until(8)
            await asyncio.sleep(0.1)
            taken = len(hub.futures)
            seen = 0
            while seen < 400:
                await hub.until(seen + 1)
                for future in hub.futures[seen:]:
                    future.set_result(KEPT)
                    seen += 1
            found = await answers(reader, 400)
            writer.close()
            return taken, found

    taken, found = run(talk())

    assert taken < 40
    assert found == [f"AA|C{n}" for n in range(400)]


def test_a_sender_that_closes_its_half_still_gets_its_answers():
    async def talk():
        hub = Slow()
        async with listening(hub) as address:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(framed(message(1)) + b"\x0bMSH|half")
            writer.write_eof()
            await hub.until(1)
            await asyncio.sleep(0.02)
            hub.futures[0].set_result(KEPT)
            left = await closed(reader)
            writer.close()
            return left

    assert b"MSA|AA|C1" in run(talk())


def test_stopping_gives_the_answers_that_are_owed():
    async def talk():
        hub = Slow()
        started = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(
            Hl7v2(port=0).listen(hub, started=lambda *address: started.set_result(address))
        )
        reader, writer = await asyncio.open_connection(*await started)
        idle_reader, idle_writer = await asyncio.open_connection(*await started)
        writer.write(framed(message(1)))
        await hub.until(1)
        task.cancel()
        await asyncio.sleep(0.02)
        hub.futures[0].set_result(KEPT)
        left, idle = await closed(reader), await closed(idle_reader)
        writer.close()
        idle_writer.close()
        await asyncio.gather(task, return_exceptions=True)
        return left, idle

    left, idle = run(talk())

    assert b"MSA|AA|C1" in left
    assert idle == b""


@pytest.mark.parametrize(
    "sent",
    [
        b"x" * 1025,
        b"GET / HTTP/1.1\r\n" + b"a" * 1100,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x0b" + b"x" * 5000,
    ],
)
def test_what_is_no_mllp_or_too_large_is_closed_unanswered(sent):
    async def talk():
        hub = Quick()
        async with listening(hub, max_frame=4096) as address:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(sent)
            left = await closed(reader)
            writer.close()
            other, again = await asyncio.open_connection(*address)
            again.write(framed(message(1)))
            found = await answers(other, 1)
            again.close()
            return left, len(hub.records), found

    assert run(talk()) == (b"", 1, ["AA|C1"])


@pytest.mark.parametrize(
    ("idle", "total", "pace"), [(0.05, 10.0, None), (10.0, 0.1, 0.01), (0.2, 0.3, 0.05)]
)
def test_a_frame_that_does_not_end_is_closed_and_nothing_is_stored(idle, total, pace):
    async def talk():
        hub = Quick()
        async with listening(hub, idle_timeout=idle, frame_timeout=total) as address:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(framed(message(0)) + b"\x0bMSH|^~\\&|LAB")
            first = await answers(reader, 1)
            dripping = asyncio.create_task(_drip(writer, pace)) if pace else None
            left = await closed(reader)
            if dripping:
                dripping.cancel()
            writer.close()
            return first, left, len(hub.records)

    assert run(talk()) == (["AA|C0"], b"", 1)


async def _drip(writer, pace):
    for _ in itertools.count():
        writer.write(b"x")
        await asyncio.sleep(pace)


def test_a_connection_between_frames_may_wait_longer_than_the_time_limits():
    async def talk():
        async with listening(Quick(), idle_timeout=0.02, frame_timeout=0.02) as address:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(framed(message(1)))
            first = await answers(reader, 1)
            await asyncio.sleep(0.1)
            writer.write(framed(message(2)))
            second = await answers(reader, 1)
            writer.close()
            return first + second

    assert run(talk()) == ["AA|C1", "AA|C2"]


def test_several_hundred_idle_connections_do_not_hinder_one_that_speaks():
    async def talk():
        async with listening(Quick()) as address:
            idle = [await asyncio.open_connection(*address) for _ in range(400)]
            reader, writer = await asyncio.open_connection(*address)
            writer.write(b"".join(framed(message(n)) for n in range(50)))
            found = await answers(reader, 50)
            _, last = idle[-1]
            last.write(framed(message(99)))
            late = await answers(idle[-1][0], 1)
            for _, other in [*idle, (reader, writer)]:
                other.close()
            return found, late

    found, late = run(talk())

    assert len(found) == 50
    assert late == ["AA|C99"]


def test_past_the_most_connections_a_new_one_is_refused_and_the_old_are_served():
    async def talk():
        async with listening(Quick(), max_connections=2) as address:
            pairs = [await asyncio.open_connection(*address) for _ in range(2)]
            for reader, writer in pairs:
                writer.write(framed(message(1)))
                await answers(reader, 1)
            refused, out = await asyncio.open_connection(*address)
            left = await closed(refused)
            out.close()
            pairs[0][1].write(framed(message(2)))
            found = await answers(pairs[0][0], 1)
            for _, writer in pairs:
                writer.close()
            return left, found

    assert run(talk()) == (b"", ["AA|C2"])


@pytest.mark.peer
def test_an_independent_client_is_understood_and_understands():
    async def talk():
        hub = Quick()
        async with listening(hub) as (host, port):
            reader, writer = await hl7.mllp.open_hl7_connection(host, port, encoding="utf-8")
            found = []
            for n in range(3):
                writer.writemessage(hl7.parse(message(n).decode()))
                await writer.drain()
                found.append(await asyncio.wait_for(reader.readmessage(), 10))
            writer.close()
            return found, hub.records

    found, records = run(talk())

    assert [str(ack.segment("MSA")) for ack in found] == ["MSA|AA|C0", "MSA|AA|C1", "MSA|AA|C2"]
    assert [record.message_key for record in records] == [f"LAB|NORTH|C{n}" for n in range(3)]


def test_a_field_of_ten_megabytes_is_taken():
    async def talk():
        hub = Quick()
        async with listening(hub) as address:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(framed(message(1) + b"OBX|1|ED|||" + b"x" * 10_000_000 + b"\r"))
            found = await answers(reader, 1)
            writer.close()
            return found, len(hub.records[0].body)

    found, size = run(talk())

    assert found == ["AA|C1"]
    assert size > 10_000_000


def test_the_time_of_the_answer_is_now():
    async def talk():
        async with listening(Quick(), timezone="Europe/Berlin") as address:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(framed(message(1)))
            frame = await asyncio.wait_for(reader.readuntil(b"\x1c\r"), 10)
            writer.close()
            return frame.split(b"|")[6].decode()

    at = datetime.strptime(run(talk()), "%Y%m%d%H%M%S%z")

    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({}, "expected port"),
        ({"port": 2575, "host": "0.0.0.0"}, "without tls"),  # noqa: S104 - it is refused
        ({"port": 2575, "timezone": "Mars/Olympus"}, "no time zone"),
        ({"port": 2575, "no_control_id": "guess"}, "refuse"),
        ({"port": 70000}, "65535"),
        ({"port": 2575, "application": "A|B"}, "name without"),
        ({"port": 2575, "tls": {"cert": "a.pem"}}, "cert and key"),
        ({"port": 2575, "prot": 1}, "Extra inputs"),
    ],
)
def test_a_wrong_setting_is_refused_naming_it(settings, reason):
    with pytest.raises(ValueError, match=reason):
        Hl7v2(**settings)


def test_a_sender_only_connection_cannot_listen():
    with pytest.raises(Misconfigured, match="expected port"):
        run(Hl7v2(target_host="127.0.0.1").listen(Quick()))


def test_checking_a_listener_says_whether_its_port_is_to_be_had():
    async def talk():
        async with listening(Quick()) as (host, port):
            connector = Hl7v2(host=host, port=port)
            return port, await asyncio.to_thread(connector.check)

    port, busy = run(talk())
    free = Hl7v2(port=port).check()

    assert busy.ok
    assert "is listening" in busy.detail
    assert free.ok
    assert "free to listen" in free.detail


@pytest.mark.parametrize(
    ("sent", "event"),
    [
        (b"\x0b" + b"x" * 3000, "mllp_oversize"),
        (b"GET / HTTP/1.1\r\n" + b"x" * 2000, "mllp_junk"),
        (b"\x16\x03\x01\x02\x00", "tls_reject"),
    ],
)
def test_who_is_turned_away_is_counted_and_the_count_is_told(sent, event):
    async def counted():
        connector = Hl7v2(port=0, max_frame=2048)
        started = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(
            connector.listen(Quick(), started=lambda host, port: started.set_result((host, port)))
        )
        before = connector.counts()
        reader, writer = await asyncio.open_connection(*await started)
        writer.write(sent)
        with contextlib.suppress(ConnectionError):
            await asyncio.wait_for(reader.read(), 10)
        writer.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return before, connector.counts()

    before, after = asyncio.run(counted())

    assert set(before.values()) == {0}
    assert {name for name, count in after.items() if count} == {"connections", event}
