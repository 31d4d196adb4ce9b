"""The hub beside the made-up institution: live, for people to look at, or thirty days at once."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TextIO

from connectors import standard_webhooks
from crohub import checked, lookup, stage, subscribing, summary, truths
from crohub.ops.give import give
from crohub.options import Options
from crohub.ownership import Busy
from crohub.sandbox import erp_books
from crohub.sandbox.hospital import NoAnswer
from crohub.sandbox.institution import Institution
from crohub.sandbox.lake import Lake
from crohub.serve import serve
from crohub.stage import HOST
from hub import changes, clock
from hub.changes import Wanted
from hub.principal import READ, Principal
from pipelines import ask, logs, subscriptions
from pipelines.edge import Edge

_QUIET = 1.5  # seconds in which the hub looks at all that has changed
_CALM = 120.0  # seconds that settling may take behind the last message


def once(folder: Path | None, *, days: int, as_json: bool) -> None:
    """Plays so many days as fast as the answers come and prints what became of them.

    Without a folder everything is in a temporary one. Raises TimeoutError when the hub does not
    come to rest.
    """
    began = time.monotonic()
    with ExitStack() as ending:
        place = folder or Path(ending.enter_context(tempfile.TemporaryDirectory()))
        told = ending.enter_context(_logged(place / "log.jsonl"))
        institution = ending.enter_context(stage.institution(place))
        ending.enter_context(stage.environment(institution, mllp_port=0, every="10s", seldom="10m"))
        edge = stage.node(stage.configuration(place), ending)
        lake = ending.enter_context(Lake())
        ending.enter_context(_long_turns())
        found = asyncio.run(_played(edge, institution, lake, days))
        found["seconds"] = round(time.monotonic() - began, 1)
        if told.isatty():
            print(f"{days} days in {found['seconds']} s", file=told)
    print(json.dumps(found) if as_json else summary.lines(found))  # noqa: T201 - the data


def live(folder: Path, *, port: int, pace: float) -> None:
    """Serves until Ctrl-C (once: drains; twice: stops) while the institution lives its days.
    Raises Busy when the port is taken, before the institution is built."""
    _refuse_taken(port)
    mllp_port = _free_port(int(os.environ.get("CROHUB_MLLP_PORT", "2575")))
    stopped = threading.Event()
    with ExitStack() as ending:
        told = ending.enter_context(_logged(folder / "log.jsonl"))
        say = _teller(told)
        days = ending.enter_context(_days(stopped, say))
        institution = ending.enter_context(
            stage.institution(folder, (HOST, mllp_port), pace=pace, tell=say)
        )
        ending.enter_context(
            stage.environment(institution, mllp_port=mllp_port, every="5s", seldom="20s")
        )
        config = stage.configuration(folder)
        options = Options(config=config, data=folder / "data", port=port)

        def started(address: str) -> None:
            _greet(say, address, folder, mllp_port)
            days(institution)

        try:
            serve(options, started=started)
            say("stopped; what came is in " + str(folder))
        finally:
            stopped.set()


@contextmanager
def _long_turns() -> Iterator[None]:
    """The hub and a dozen systems in one process have sixty threads that all have much to do: to
    hand the interpreter on every 5 ms costs them half of their time."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.02)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


async def _played(edge: Edge, institution: Institution, lake: Lake, days: int) -> dict[str, Any]:
    await edge.start()
    try:
        await asyncio.to_thread(_subscribed, edge, lake)
        await _until(lambda: "hospital" in edge.addresses, 30.0, "the listener")
        institution.hospital.address = edge.addresses["hospital"]
        await asyncio.to_thread(institution.play, days)
        await _pulled(edge)
        await _until(lambda: summary.at_rest(edge.places), _CALM, "settling")
        await _until(lambda: _is_decided(edge), _CALM, "proposals")
        await _until(lambda: summary.at_rest(edge.places), _CALM, "what was approved")
        await _until(_quiet(edge, institution), _CALM, "deliveries")
        truth = await asyncio.to_thread(truths.shown, edge)
        erp_books.receive(institution.systems.erp)  # sponsors pay what has been billed by now
        await _pulled(edge, "erp")
        await _pulled(edge, "directory")  # whose accounts of leavers were locked by now
        await _until(lambda: summary.at_rest(edge.places), _CALM, "payments")
        await _until(_quiet(edge, institution), _CALM, "what follows from payments")
        found = await asyncio.to_thread(summary.of, edge)
        evening = institution.now() - timedelta(seconds=1)  # of its last day, which is over
        checks = await asyncio.to_thread(checked.shown, edge, institution.expected, evening)
        return found | {"checks": checks, "truth": truth, "subscriber": lake.told()}
    finally:
        await edge.stop()


def _subscribed(edge: Edge, lake: Lake) -> None:
    """Has the feed of enrollments posted to the made-up data lake."""
    reader = Principal(name="the made-up office", scopes=frozenset({READ}))
    made = subscriptions.make(
        edge.keyring, reader, name="data lake", url=lake.url, since=changes.START,
        wanted=Wanted(entities=frozenset({"Enrollment"})), now=clock.now(),
    )  # fmt: skip
    lake.key = standard_webhooks.key_of(made.secret)
    said = {"by": reader.name, "reason": "made up"}
    give(edge, {**said, **subscribing.ordered(made)})


async def _pulled(edge: Edge, connection: str = "") -> None:
    """Pulls every stream to its end, of one connection or of all; a hiccup of the source is
    answered by asking again."""
    for name, pipeline in edge.deployment.inbound.items():
        if pipeline.schedule is None or connection not in ("", pipeline.reads.connection):
            continue
        for _ in range(20):
            run = await asyncio.to_thread(edge.scheduler.run, pipeline)
            if run.state == "done":
                break
            if run.state != "later":
                raise RuntimeError(f"{name}: {run.state}: {run.detail}")
            await asyncio.sleep(min(run.after, 0.5))


def _is_decided(edge: Edge) -> bool:
    """Whether nothing waits for somebody's approval. What does is approved of, by the order that a
    person gives who answers the question."""
    mine = [name for name, one in edge.deployment.outbound.items() if one.approval]
    session = lookup.reading(edge.places)
    try:
        open_ = "select id from decision where state = 'open' and kind = ?"
        asked = session.all(open_, (ask.KIND,))
        waits = session.among(
            "select 1 from delivery where state = 'approval' and pipeline in {members}", mine
        )
    finally:
        session.close()
    said = {"do": "decide", "by": "the made-up office", "state": "accepted", "reason": "made up"}
    if asked:
        give(edge, *(said | {"object": one} for (one,) in asked))
    return not waits


async def _until(true: Callable[[], bool], seconds: float, what: str) -> None:
    until = time.monotonic() + seconds
    while not await asyncio.to_thread(true):
        if time.monotonic() > until:
            raise TimeoutError(f"{what} did not come to rest within {seconds:g} s")
        await asyncio.sleep(0.05)


def _quiet(edge: Edge, institution: Institution) -> Callable[[], bool]:
    """Whether nothing has been said to the institution, nor was to be, for a while."""
    seen: tuple[object, ...] = ()
    since = time.monotonic()

    def quiet() -> bool:
        nonlocal seen, since
        now = (len(institution.sink.received), *_deliveries(edge))
        if now != seen:
            seen, since = now, time.monotonic()
        return time.monotonic() - since > _QUIET

    return quiet


def _deliveries(edge: Edge) -> list[tuple[object, ...]]:
    session = lookup.reading(edge.places)
    try:
        return session.all("select state, count(*) from delivery group by state order by state")
    finally:
        session.close()


@contextmanager
def _logged(path: Path) -> Iterator[TextIO]:
    """Sends this process's and its children's logs to a file, and yields the former stderr."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sys.stderr.flush()
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(os.dup(2), "w") as told, os.fdopen(log, "w", buffering=1) as lines:
        os.dup2(log, 2)  # the children inherit it
        try:
            with contextlib.redirect_stderr(lines):
                logs.configure()
                yield told
        finally:
            told.flush()
            os.dup2(told.fileno(), 2)
            logs.configure()


def _free_port(wanted: int) -> int:
    for port in (wanted, 0):
        with contextlib.suppress(OSError), socket.create_server((HOST, port)) as probe:
            return int(probe.getsockname()[1])
    raise OSError(f"no port of {HOST} can be had")


def _refuse_taken(port: int) -> None:
    try:
        socket.create_server((HOST, port)).close()
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise Busy(f"{HOST}:{port} is in use; choose another port with --port") from None


def _teller(told: TextIO) -> Callable[[str], None]:
    from rich.console import Console

    console = Console(file=told, markup=False, highlight=False, soft_wrap=True)
    return console.print


def _greet(say: Callable[[str], None], address: str, folder: Path, mllp_port: int) -> None:
    key = (folder / "data" / "admin.key").read_text().strip()
    for line in (
        "",
        f"crohub and a made-up institution are running.   {address}",
        f"  the key (sign in with it)   {key}",
        f"  the API and its pages       {address}/docs",
        f"  HL7 over MLLP               mllp://{HOST}:{mllp_port}",
        f"  its data and its log        {folder}",
        "  Ctrl-C drains and ends; twice stops at once.",
        "",
    ):
        say(line)


@contextmanager
def _days(
    stopped: threading.Event, say: Callable[[str], None]
) -> Iterator[Callable[[Institution], None]]:
    """What lets an institution live its days in a thread, which has ended when this has."""
    threads: list[threading.Thread] = []

    def begin(institution: Institution) -> None:
        threads.append(threading.Thread(target=_live_on, args=(institution, stopped, say)))
        threads[0].start()

    try:
        yield begin
    finally:
        for thread in threads:
            thread.join()


def _live_on(
    institution: Institution, stopped: threading.Event, say: Callable[[str], None]
) -> None:
    while not stopped.is_set():
        try:
            institution.play_day()
        except NoAnswer as error:
            if not stopped.is_set():
                say(f"the hospital waits: {error}")
