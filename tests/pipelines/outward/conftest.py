"""A house that tells other systems: what is said is settled at once, and the clock stands still
until a test moves it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import hub.settle
from hub.said import Said
from hub.statement import Identifier, Meaning, Ref, Stated
from pipelines import deliveries, revision, settings, settling
from pipelines.breaker import Breaker
from pipelines.consume import Desk
from pipelines.deliver import Deliverer
from pipelines.mapper import Limits
from pipelines.outlet import outlets
from pipelines.writer import Writer

SECOND = 1_000_000
BASE = 1_772_000_000_000_000
CONNECTIONS = {
    "connections/edc.yaml": "connector: connectors.flaky:Flaky\nsystem: edc\nrole: EDC\n",
    "connections/target.yaml": "connector: connectors.flaky:Flaky\nsystem: target\nrole: CTMS\n",
    "policies/survivorship.yaml": "Enrollment:\n  state: [CTMS, EDC, EHR]\n",
}
ROWS = """\
when: {entity: Enrollment, state: {changes: true}}
writes: text/csv;row
stream: enrollments
requires: ["study.identifier(nct)"]
columns: {study: "study.identifier(nct)", subject: subject_number, state: state, on: enrolled_on}
"""


@dataclass
class Clock:
    """Microseconds, and seconds that only go forward, on one hand."""

    now: int = BASE

    def __call__(self) -> int:
        return self.now

    def seconds(self) -> float:
        return self.now / SECOND

    def move(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)


@dataclass
class Outward:
    """One deployment and what it tells."""

    house: object
    clock: Clock = field(default_factory=Clock)
    seqs: itertools.count = field(default_factory=lambda: itertools.count(1))
    paused: dict = field(default_factory=dict)

    def __post_init__(self):
        self.writer = Writer(self.house.places.journal, wake=lambda: None, fatal=print)
        self.writer.start()
        self._settler = None
        self._open = []

    def close(self):
        self.writer.stop()
        for opened in self._open:
            opened.close()

    def write(self, **files: str) -> None:
        """Adds files to the deployment (name__of__a_file → its text) and reads it again."""
        write_files(self.house.folder, files)
        house = self.house
        house.deployment = settings.load(house.folder)
        house.revision = revision.enter(house.journal.session, house.folder)
        revision.lay_out(house.journal.session, house.revision, house.places.revisions)
        self._settler = None

    def tell(self, name="out", *, mapping="rows", to="target", mode="on", **more) -> None:
        """Writes an outbound pipeline."""
        lines = [f"feed: versions\nmapping: {mapping}\nto: {to}\nmode: {mode}\n"]
        lines += [f"{key}: {str(value).lower()}\n" for key, value in more.items()]
        self.write(**{f"pipelines__{name}": "".join(lines)})

    # -- what others say

    @property
    def settler(self):
        if self._settler is None:
            house = self.house
            made = settling.build(house.places, house.deployment, worker="settler", limits=Limits())
            self._open += [made.queue.journal, made.queue.hub]
            made.mapper = house.in_place
            self._settler = made
        return self._settler

    def say(self, *statements, system="edc", seq=None, again=False, at=None) -> int:
        """Settles one message, now."""
        seq = next(self.seqs) if seq is None else seq
        said = Said(
            seq=seq, system=system, at=BASE + (at or seq) * SECOND,
            meaning=Meaning(statements=tuple(statements)), again=again,
        )  # fmt: skip
        context = self.settler.context
        with context.session.transaction():
            hub.settle.settle(context, [said])
        return seq

    def study(self, system="edc", nct="NCT04280705", key="st1"):
        self.say(
            Stated(
                entity="Study", key=key, fields={"title": "A trial"},
                identifiers=(Identifier("nct", nct),),
            ),
            system=system,
        )  # fmt: skip

    def enroll(self, number=1, state="enrolled", system="edc", *, person=None, **more) -> int:
        return self.say(enrollment(number, state, person=person, **more), system=system)

    # -- what is told

    def desk(self, name="out") -> Desk:
        places = self.house.places
        hub_, journal = places.hub(), places.journal()
        self._open += [hub_, journal]
        [outlet] = [one for one in outlets(self.house.deployment) if one.name == name]
        policy = settling.policy_of(self.house.deployment)
        return Desk(
            outlet=outlet, hub=hub_, journal=journal, writer=self.writer,
            keyring=self.house.keyring, clock=self.clock,
            rank=lambda entity, system: policy.rank(entity, "*", system),
        )  # fmt: skip

    def deliverer(self, name="out", connector=None, *, chance=lambda: 1.0) -> Deliverer:
        """One that has begun; `chance` 1.0 waits as long as it may."""
        desk = self.desk(name)
        connector = connector or self.house.deployment.connector(desk.outlet.connection)
        made = Deliverer(
            desk=desk, connector=connector, breaker=Breaker(self.clock.seconds),
            paused=lambda: self.paused, chance=chance,
        )  # fmt: skip
        made.recover()
        return made

    def run(self, deliverer) -> None:
        """Until there is nothing to do now."""
        for _ in range(1000):
            if not deliverer.step():
                return
        raise AssertionError("it never comes to rest")

    def rows(self, columns="state", name="out"):
        found = self.house.journal.session.all(
            f"select {columns} from delivery where pipeline = ? order by turn", (name,)
        )
        return [row[0] if len(row) == 1 else row for row in found]

    def counts(self, name="out"):
        return deliveries.counts(self.house.journal.session)[name]

    def obey(self) -> None:
        """Lets the settler obey what was ordered."""
        while self.settler.step():
            pass

    def decisions(self):
        return self.house.rows("select id, kind, evidence, proposal, state from decision")

    def decide(self, state, one=None) -> None:
        one = one or self.decisions()[-1][0]
        self.house.order("decide", object=one, state=state)
        self.obey()

    def lapse(self) -> None:
        """Nobody answers, and the time of every question is over."""
        self.house.hub.run("update decision set expires_at = 1 where state = 'open'")
        self.house.order("lapse", before=1)
        self.obey()


def enrollment(number=1, state="enrolled", *, person=None, study="st1", **more):
    fields = {
        "study": Ref("Study", study),
        "participant": Ref("Participant", person or f"p{number}"),
        "subject_number": f"S-{number}",
        "state": state,
        **more,
    }
    number_ = Identifier("subject_number", f"S-{number}", "urn:x:subjects")
    return Stated(entity="Enrollment", key=f"e{number}", fields=fields, identifiers=(number_,))


def write_files(folder: Path, files) -> None:
    for name, text in files.items():
        path = folder / (name.replace("__", "/") + ("" if "." in name else ".yaml"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _outward(house):
    write_files(house.folder, CONNECTIONS)
    made = Outward(house)
    made.write(mappings__outbound__rows=ROWS)
    yield made
    made.close()


@pytest.fixture
def outward(house):
    """On both databases."""
    yield from _outward(house)


@pytest.fixture
def small_outward(small_house):
    """On SQLite only."""
    yield from _outward(small_house)


@pytest.fixture
def big_outward(big_house):
    """On PostgreSQL only."""
    yield from _outward(big_house)


@pytest.fixture
def stated():
    """Makes the statement of an enrollment."""
    return enrollment
