"""The made-up institution as a whole: start it beside a hub, play its days, stop it."""

from __future__ import annotations

import json
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Self

from crohub.sandbox import answers
from crohub.sandbox.days import Day, Slice, in_turn, play, sliced
from crohub.sandbox.dropped import Dropped
from crohub.sandbox.erp import FIRST_NUMBER
from crohub.sandbox.fhir_server import FhirServer
from crohub.sandbox.fhir_store import FhirStore
from crohub.sandbox.founding import found, holdings
from crohub.sandbox.hospital import Hospital
from crohub.sandbox.planted import BEGINS
from crohub.sandbox.plants.expected import Expected
from crohub.sandbox.plants.stand import Standing
from crohub.sandbox.roster_sftp import ROSTERS, USER, RosterServer
from crohub.sandbox.sink import Sink
from crohub.sandbox.story import headline, told
from crohub.sandbox.systems import Systems
from crohub.sandbox.tables import lay
from crohub.sandbox.warehouse import Warehouse
from crohub.sandbox.world import ZONE, Event

PARTS_LIVE = 48  # a paced day is played in half hours
NUMBERS_A_DAY = 10_000  # of the ERP's documents
LINES = 4  # MLLP connections of the hospital


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where the institution's systems are reached; all on 127.0.0.1."""

    fhir_url: str
    fhir_token: str  # "" = none is asked for
    sftp_host: str
    sftp_port: int
    sftp_user: str
    sftp_password_file: Path
    sftp_host_key: str  # the public key to pin, "ssh-ed25519 AAAA…"
    sftp_folder: str
    sink_host: str
    sink_port: int
    systems: Mapping[str, str]  # addresses and secrets of the others, by name


def quiet(_line: str) -> None:
    """Tells nobody."""


class Institution:
    """A hospital that sends to `hl7`, a FHIR register, an SFTP server, an HL7 sink and the
    systems beside them. As a context manager it is started, and stopped whatever happens.

    The same `seed` and `first_day` give the same days, messages and control ids. `folder` keeps
    the rosters and how far the days have been played, so that a restart goes on where it left
    off; what was pushed into the register is not kept. `paid` is the CTMS's folder of payments,
    `review` the billing office's of charges. `pace` is how many seconds a day takes
    (0: as fast as the answers come). Each line of the story goes to `tell`.
    """

    def __init__(
        self,
        seed: int,
        hl7: tuple[str, int],
        folder: Path,
        *,
        pace: float = 0.0,
        first_day: date = BEGINS,
        patients: int = 600,
        fhir_token: str = "",
        hiccup_every: int = 97,
        patience: float = 60.0,
        tell: Callable[[str], None] = quiet,
    ) -> None:
        self.folder, self.pace, self.tell = folder, pace, tell
        self.world = found(seed, first_day, patients=patients, lines=LINES)
        self.store = FhirStore()
        # what is planted depends on the calendar
        fits = first_day == BEGINS
        sheet = answers.sheet(seed, answers.TODAY) if fits else None
        self.planted = Standing(sheet.ground) if sheet else None
        self._expected = (
            [*answers.STORY, *(one for one in sheet.expected if not one.mended)] if sheet else []
        )
        self.days_played = 0
        self._clock = datetime.combine(first_day, datetime.min.time(), ZONE)
        self._pending: deque[Slice] = deque()
        self._day: Day | None = None
        self._stopped = threading.Event()
        self.hospital = Hospital(*hl7, lines=LINES, patience=patience)
        self.fhir = FhirServer(self.store, self.now, token=fhir_token, hiccup_every=hiccup_every)
        self.rosters = RosterServer(folder / "sftp")
        self.sink = Sink(self.now)
        self.systems = Systems(self.now)
        self.paid = Dropped(folder.resolve() / "ctms")
        self.review = Dropped(folder.resolve() / "review")
        self.warehouse = Warehouse(folder.resolve() / "warehouse.db")

    def start(self) -> None:
        """Opens the servers; days played earlier in this folder are lived through again without
        being sent. Raises RuntimeError when asyncssh is missing, ValueError when the folder
        belongs to another world."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.planted:
            self.planted.put_early(self.store)
        for resource in holdings(self.world):
            self.store.put(resource, self._clock)
        for _ in range(self._played_before()):
            day = self._next_day()
            self._apply(day.events)
            self._clock = sliced(day, 1)[0].until
            self.days_played += 1
        # what the ERP was asked for before is not kept: its numbers do not come again
        self.systems.erp.numbers = count(FIRST_NUMBER + NUMBERS_A_DAY * self.days_played)
        self._tell_systems()
        self.warehouse.fill()
        for mine in (self.paid, self.review):
            mine.folder.mkdir(exist_ok=True)
        try:
            self.rosters.start()
            self.fhir.start()
            self.sink.start()
            self.systems.start()
        except BaseException:  # whatever it was, no half-started institution is left behind
            self.stop()
            raise
        secret = self._password_file
        secret.touch(mode=0o600)
        secret.write_text(self.rosters.password)

    def stop(self) -> None:
        """Ends everything; a day under way stops after the message just being answered."""
        self._stopped.set()
        self.hospital.close()
        self.systems.stop()
        self.sink.stop()
        self.fhir.stop()
        self.rosters.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def endpoints(self) -> Endpoints:
        """Where to connect; only while it runs."""
        return Endpoints(
            fhir_url=self.fhir.url, fhir_token=self.fhir.token, sftp_host="127.0.0.1",
            sftp_port=self.rosters.port, sftp_user=USER, sftp_password_file=self._password_file,
            sftp_host_key=self.rosters.host_key, sftp_folder=ROSTERS, sink_host="127.0.0.1",
            sink_port=self.sink.port, systems=self.systems.named | {"TABLES": str(self._tables)} | {
                "CTMS_FOLDER": str(self.paid.folder), "REVIEW_FOLDER": str(self.review.folder),
                "WAREHOUSE": self.warehouse.url},
        )  # fmt: skip

    @property
    def expected(self) -> list[Expected] | None:
        """What checks must find, but for what the hub mends itself; it is known of the evening of
        the last of thirty days only."""
        is_then = self.planted and self._clock.date() == answers.TODAY + timedelta(days=1)
        return self._expected if is_then else None

    def now(self) -> datetime:
        """The institution's own time: as far as its day has come."""
        return self._clock

    def play_day(self) -> dict[str, int]:
        """Plays the next day to its end and returns what it consisted of: `messages` answered,
        `surprises` among the answers, `resources` written, `deleted`, `rosters`.

        Raises NoAnswer when the hub does not answer; calling again goes on with the same day.
        """
        counts: Counter[str] = Counter(messages=0, surprises=0, resources=0, deleted=0, rosters=0)
        if not self._pending:
            self._day = self._next_day()
            self._pending.extend(sliced(self._day, PARTS_LIVE if self.pace else 1))
            self.tell(headline(self._day))
        while self._pending and not self._stopped.is_set():
            counts.update(self._play(self._pending[0]))
            if not self._stopped.is_set():
                self._pending.popleft()
        if self._day and not self._pending:
            self.rosters.put(f"roster_{self._day.on:%Y%m%d}.csv", self._day.roster)
            counts["rosters"] += 1
            self._tell_systems()
            self.days_played += 1
            self._remember()
        return dict(counts)

    def play(self, days: int = 30) -> dict[str, int]:
        """Plays so many days, or until stopped; returns the sums of what `play_day` returns."""
        total: Counter[str] = Counter()
        for _ in range(days):
            if self._stopped.is_set():
                break
            total.update(self.play_day())
        return dict(total)

    def _play(self, part: Slice) -> Counter[str]:
        if self.pace:
            self._stopped.wait(self.pace / PARTS_LIVE)
            if self._stopped.is_set():
                return Counter()
        for line in told(part.events, part.messages):
            self.tell(line)
        counts = self._apply(part.events)
        self._clock = max(self._clock, part.until)
        part.events.clear()  # should the hub not answer, they are not written a second time
        answered = self.hospital.send(part.messages)
        counts["messages"] += len(answered)
        counts["surprises"] += sum(1 for sent in answered if not sent.as_expected)
        return counts

    def _apply(self, events: Iterable[Event]) -> Counter[str]:
        counts: Counter[str] = Counter()
        for event in events:
            # never ahead of what is still to be written: clients resume from the server's clock
            self._clock = max(self._clock, event.at)
            for resource in event.changes:
                self.store.put(resource, event.at)
                counts["resources"] += 1
            for gone in event.gone:
                kind, _, key = gone.partition("/")
                counts["deleted"] += self.store.delete(kind, key, event.at) is not None
        return counts

    def _tell_systems(self) -> None:
        """Brings every system to where the world is."""
        self.systems.hear(self.world)
        if self.planted:
            self.planted.put(self.systems, self.store, self._clock)
        lay(self._tables, self.world, self.planted)

    def _next_day(self) -> Day:
        day = play(self.world, self.world.first_day + timedelta(days=self.days_played))
        if not self.planted:
            return day
        planted = self.planted.sent(day.on, is_first=self.days_played == 0)
        return replace(day, messages=sorted((*day.messages, *planted), key=in_turn))

    @property
    def _password_file(self) -> Path:
        return self.folder / "sftp.password"

    @property
    def _tables(self) -> Path:
        return self.folder.resolve() / "tables"

    @property
    def _diary(self) -> Path:
        return self.folder / "played.json"

    def _whose(self) -> dict[str, object]:
        return {"seed": self.world.seed, "first_day": self.world.first_day.isoformat()}

    def _played_before(self) -> int:
        if not self._diary.exists():
            return 0
        diary = json.loads(self._diary.read_text())
        days = int(diary.pop("days"))
        if diary != self._whose():
            raise ValueError(f"{self.folder} holds the days of another world: {diary}")
        return days

    def _remember(self) -> None:
        part = self._diary.with_suffix(".part")
        part.write_text(json.dumps(self._whose() | {"days": self.days_played}))
        part.replace(self._diary)
