"""One made-up institution with a running hub beside it, for the stories of the flows.

A story is a file `test_NN_<noun>.py` whose tests take the fixture `institute`. It starts once a
run: the demonstration's institution on the evening before its first day and the demonstration's
configuration, with everything founded, pulled, settled and delivered. Nothing is pulled by itself
after that, so that a story decides when the hub hears of what it did:

    def test_a_subject_comes_on_study(institute):
        who = institute.enrols("onc101", status="CONSENTED")       # a new person, in the CTMS
        institute.pull("ctms-demographics", "ctms-subjects")       # ... and settled
        one = institute.record("enrollments", "registration_no", who.key)
        institute.until(lambda: institute.delivered("billing-status", one["id"]))
        assert who.mrn in institute.heard()[-1]

Stories run in any order, beside each other: each makes its own people (`enrols`, `mrn`) and
studies (`opens`) and puts back what it changes in what all share (the four studies, staff). What
must not happen is looked for after `rest()`: everything settled, every outbound pipeline at the
head of the feed, nothing due.

- The sources: `ctms`, `irb`, `edc`, `erp`, `directory`, `hr`, `etmf` are the states of their
  simulators (change rows there), `register(resource)` puts into the FHIR register,
  `says(kind, *segments)` is the hospital's HL7.
- The hub, as a person with a key sees it: `get`, `post`, `records`, `record`, `deliveries`,
  `counts`.
- The targets, by their own doors: `oncore`, `fhir`, `heard` (what the hospital was told), and
  `web` for any other address, which stand in `systems`.
"""

from __future__ import annotations

import itertools
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
import uvicorn

from crohub import app, checking, lookup, stage
from crohub.backlog import backlog
from crohub.sandbox.er7 import segment
from crohub.sandbox.institution import Institution
from crohub.sandbox.mllp import Wire
from crohub.sandbox.oncore_records import INSTITUTION, protocol_id
from crohub.sandbox.studies import STUDIES
from crohub.sandbox.world import FACILITY
from pipelines import logs
from pipelines.edge import Edge

PATIENCE = 60.0  # seconds; a loaded machine is slow, a broken hub never answers
FOUNDING = 180.0
QUIET = 1.2  # seconds: four looks at the feed (pipelines.dispatch)
NEVER = "24h"  # how often is pulled what a story does not pull
# a hub of production data, and a hospital that is a rehearsal: it must never be told of anybody
REHEARSAL = {
    "connections/rehearsal.yaml": (
        "connector: hl7v2\nsystem: rehearsal\nrole: OTHER\nenvironment: test\n"
        'settings: {target_host: 127.0.0.1, target_port: "${env:CROHUB_DEMO_SINK_PORT:-1}"}\n'
    ),
    "pipelines/rehearsal-enrolled.yaml": (
        "feed: versions\nmapping: hl7v2/enrolled\nto: rehearsal\nmode: on\n"
    ),
}


@dataclass(frozen=True)
class Enrolled:
    """A person whom a story made, and the subject of a study that they are in the CTMS."""

    mrn: str
    key: int  # protocolSubjectId
    number: str
    row: dict[str, Any]  # the CTMS's own row: changing it changes the CTMS
    person: dict[str, Any]  # the row of demographics


@dataclass(frozen=True)
class Opened:
    """A study that a story made: its protocol number, its IRB's number, the CTMS's key and row."""

    no: str
    irb: str
    key: int
    row: dict[str, Any]


@dataclass
class Institute:
    """The institution and its hub. Of the methods that wait each fails after PATIENCE."""

    institution: Institution
    edge: Edge
    client: httpx2.Client
    systems: dict[str, str]  # addresses and secrets of the simulators, by name
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _tokens: dict[str, str] = field(default_factory=dict)
    _web: httpx2.Client = field(default_factory=lambda: httpx2.Client(timeout=30))

    def __post_init__(self) -> None:
        made = self.institution.systems
        self.ctms, self.irb, self.edc, self.erp = made.ctms, made.irb, made.edc, made.erp
        self.directory, self.hr, self.etmf = made.directory, made.hr, made.etmf
        self.world = self.institution.world

    # -- the sources

    def number(self) -> int:
        """A number that no other story has."""
        return next(self._numbers)

    def mrn(self) -> str:
        """A medical record number of nobody yet."""
        return str(8_807_000 + self.number())

    def enrols(
        self, study: str | Opened = "onc101", *, status: str = "ON STUDY", **more: Any
    ) -> Enrolled:
        """A new person, registered in the CTMS as a subject of a study. Words of OnCore's rows go
        into whichever row they belong to: `consentDate=…`, `lastName=…`, `mrn=…`."""
        of = study.key if isinstance(study, Opened) else _protocol(study)
        mrn = str(more.pop("mrn", "") or self.mrn())
        mine = {name: more.pop(name) for name in list(more) if name in _PERSONAL}
        number = f"S-{mrn[-4:]}"
        person = self.ctms.put("subjectDemographics", **{
            "subjectDemographicsId": int(mrn), "mrn": mrn, "lastName": "Storey", "firstName": "Ada",
            "birthDate": "1971-05-14", "gender": "Female", "expiredDate": None, **mine,
        })  # fmt: skip
        row = self.ctms.put("protocolSubjects", **{
            "protocolSubjectId": 900_000 + self.number(), "protocolId": of,
            "subjectDemographicsId": int(mrn), "studySite": INSTITUTION, "sequenceNo": number,
            "status": status, "consentDate": "2026-02-23", "onStudyDate": None,
            "onTreatmentDate": None, "offStudyDate": None, **more,
        })  # fmt: skip
        return Enrolled(mrn, row["protocolSubjectId"], number, row, person)

    def opens(self, *, status: str = "PENDING IRB", **more: Any) -> Opened:
        """A study that is new in the CTMS and at the IRB. Words of OnCore's row of it may be
        given: `title=…`, `sponsorProtocolNo=…`."""
        n = self.number()
        no, irb = f"STY-{500 + n}", f"STUDY{70_000_000 + n}"
        row = self.ctms.put("protocols", **{
            "protocolId": 800_000 + n, "protocolNo": no, "shortTitle": f"Story {n}",
            "title": f"Story {n}", "nctNo": "", "sponsorProtocolNo": no,
            "protocolType": "Treatment", "protocolStatus": status, **more,
        })  # fmt: skip
        self.ctms.put("protocolManagementDetails", protocolId=row["protocolId"], irbNo=irb)
        self.irb.studies[irb] = {"id": irb, "name": no, "title": row["title"], "studyTeam": []}
        return Opened(no, irb, row["protocolId"], row)

    def register(self, resource: dict[str, Any]) -> None:
        """Writes a resource into the FHIR register, as its own people would."""
        self.institution.store.put(resource, self.institution.now())

    def says(self, kind: str, *segments: str, mode: str = "P") -> str:
        """Has the hospital say something over MLLP (`ADT^A08`, segments after MSH); the answer's
        code (AA, AE, AR). EVN is added to an ADT."""
        at = "20260302080000-0700"
        head = segment("MSH", {1: "^~\\&", 2: "CEDARADT", 3: FACILITY, 4: "HUB", 5: "RESEARCH",
                               6: at, 8: kind, 9: f"ST{self.number():08}", 10: mode,
                               11: "2.5.1"})  # fmt: skip
        if kind.startswith("ADT"):
            segments = (segment("EVN", {1: kind.split("^")[1], 2: at}), *segments)
        body = "".join(f"{one}\r" for one in (head, *segments)).encode()
        with closing(Wire(socket.create_connection(self.edge.addresses["hospital"], 20))) as wire:
            wire.send(body)
            answer = wire.receive()
        return re.search(rb"MSA\|([A-Z]{2})", answer)[1].decode()

    def pull(self, *pipelines: str) -> None:
        """Pulls these inbound pipelines now, in this order, and waits until all is settled."""
        for name in pipelines:
            run = self.edge.scheduler.run(self.edge.deployment.inbound[name])
            assert run.state == "done", f"{name}: {run.state}: {run.detail}"
        self.settled()

    # -- the hub

    def settled(self) -> None:
        """Waits until nothing that arrived waits to be settled."""
        self.until(lambda: not self._waits(), "settling")

    def rest(self) -> None:
        """Waits until all is settled and no delivery is due, and has been for a while."""
        since, until = time.monotonic(), time.monotonic() + PATIENCE
        while time.monotonic() - since < QUIET:
            if self._waits() or self._unsaid():
                since = time.monotonic()
            assert since < until, "deliveries did not come to rest"
            time.sleep(0.05)

    def until(self, look: Callable[[], Any], what: str = "it", seconds: float = PATIENCE) -> Any:
        """What `look` gives, as soon as it is true-like."""
        until = time.monotonic() + seconds
        while not (found := look()):
            assert time.monotonic() < until, f"{what} did not come about in {seconds:g} s"
            time.sleep(0.05)
        return found

    def get(self, path: str, **params: Any) -> Any:
        answer = self.client.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def questions(self, state: str = "open") -> list[dict[str, Any]]:
        """Every question in this state, the oldest first: people made up alike raise many."""
        found: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            page = self.get("/ops/decisions", state=state, limit=500, cursor=cursor)
            found, cursor = found + page["items"], page["next"]
        return found

    def post(self, path: str, body: Any = None) -> Any:
        answer = self.client.post(path, json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def records(self, plural: str, **filters: Any) -> list[dict[str, Any]]:
        """Canonical records, `study=<id>` and the like; a filter's tests as the API has them."""
        return self.get(f"/api/v1/{plural}", limit=500, **filters)["items"]

    def find(self, plural: str, type_: str, value: Any, **asked: Any) -> list[dict[str, Any]]:
        """Canonical records by an identifier; `include="phi"` what is sealed too."""
        body = {"identifiers": [{"type": type_, "value": str(value)}]}
        answer = self.client.post(f"/api/v1/{plural}/search", json=body, params=asked)
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]

    def record(self, plural: str, type_: str, value: Any, **asked: Any) -> dict[str, Any]:
        """The one canonical record with an identifier."""
        found = self.find(plural, type_, value, **asked)
        assert len(found) == 1, f"{len(found)} {plural} with {type_} {value}"
        return found[0]

    def deliveries(self, pipeline: str, record: str = "") -> list[dict[str, Any]]:
        """What a pipeline had to say, oldest first; of one record."""
        items = self.get("/ops/deliveries", pipeline=pipeline, limit=500)["items"]
        return [one for one in reversed(items) if record in ("", one["record"])]

    def delivered(self, pipeline: str, record: str) -> list[dict[str, Any]]:
        """Those that the target has taken and confirmed; none while one of them is under way."""
        found = self.deliveries(pipeline, record)
        done = [one for one in found if one["state"] == "delivered" and one["confirmed"]]
        return done if len(done) == len(found) else []

    def body(self, delivery: dict[str, Any]) -> str:
        """What a delivery says, where it is still kept."""
        return str(self.get(f"/ops/deliveries/{delivery['id']}", body="true")["body"])

    def counts(self, flow: str) -> dict[str, int]:
        """A flow's counts: triggered, delivered, confirmed, held, refused."""
        return dict(self.get("/ops/pipelines")["flows"][flow])

    # -- the targets

    def web(self, system: str, path: str, **headers: str) -> Any:
        """What a simulator answers to GET, as JSON; `systems` has its secrets."""
        answer = self._web.get(self.systems[system] + path, headers=headers)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def oncore(self, path: str) -> Any:
        """What the CTMS answers: `protocolReviews?protocolId=4000`, `protocolSubjects/900001`."""
        bearer = f"Bearer {self._oncore_token()}"
        return self.web("CTMS", f"/oncore-api/rest/{path}", authorization=bearer)

    def fhir(self, path: str) -> Any:
        """What the register answers: `ResearchStudy/onc101`."""
        answer = self._web.get(f"{self.systems['FHIR']}/{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def heard(self, word: str = "") -> list[str]:
        """What the hospital was told over HL7, in order; of these the messages with `word`."""
        said = [one.body.decode() for one in self.institution.sink.received]
        return [one for one in said if word in one]

    def close(self) -> None:
        self._web.close()
        self.client.close()

    def _oncore_token(self) -> str:
        if "ctms" not in self._tokens:
            said = {"client_id": self.ctms.client_id, "client_secret": self.ctms.client_secret,
                    "grant_type": "client_credentials"}  # fmt: skip
            path = "/forte-platform-web/api/oauth/token"
            answer = self._web.post(self.systems["CTMS"] + path, json=said)
            self._tokens["ctms"] = answer.json()["access_token"]
        return self._tokens["ctms"]

    def _waits(self) -> bool:
        return self._look(lambda session: sum(backlog(session).values()) or session.one(
            "select 1 from outcome where state = 'ready' limit 1"))  # fmt: skip

    def _unsaid(self) -> bool:
        return self._look(lambda session: session.one(
            "select 1 from delivery where state in ('ready', 'sending') limit 1"))  # fmt: skip

    def _look(self, at: Callable[[Any], Any]) -> bool:
        session = lookup.reading(self.edge.places)
        try:
            return bool(at(session))
        finally:
            session.close()


def _protocol(study: str) -> int:
    """OnCore's number of one of the four studies."""
    return protocol_id(next(one for one in STUDIES if one.key == study))


_PERSONAL = (
    "lastName", "firstName", "middleName", "birthDate", "gender", "ethnicity", "race",
    "expiredDate", "phone", "email", "addressLine1", "city", "state", "zip",
)  # fmt: skip


@pytest.fixture(scope="session")
def institute(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Institute]:
    """One institution for all stories."""
    pytest.importorskip("asyncssh", reason="the extra `sandbox` is not installed")
    folder = tmp_path_factory.mktemp("institute")
    with ExitStack() as ending:
        made = ending.enter_context(stage.institution(folder, hiccup_every=0))
        ending.enter_context(stage.environment(made, mllp_port=0, every=NEVER, seldom=NEVER))
        config = stage.configuration(folder)
        for name, text in REHEARSAL.items():
            (config / name).write_text(text)
        checking.sound(config)  # what a mapping gets wrong is told here, not by a hub that waits
        edge = stage.node(config, ending)
        address = ending.enter_context(_serving(edge))
        key = (folder / "data" / "admin.key").read_text().strip()
        client = httpx2.Client(
            base_url=address, headers={"Authorization": f"Bearer {key}"}, timeout=60
        )
        systems = {**made.systems.named, "FHIR": made.endpoints.fhir_url}
        running = Institute(made, edge, client, systems)
        ending.callback(running.close)
        _founded(running)
        yield running


def _founded(institute: Institute) -> None:
    """Every pull that the start began has ended well, and what came of it is at rest."""
    edge = institute.edge
    due = sum(one.schedule is not None for one in edge.deployment.inbound.values())
    ended = "select count(distinct pipeline) from fired where outcome like 'done%'"
    institute.until(
        lambda: institute._look(lambda session: session.one(ended)[0] == due),
        "the first pulls",
        FOUNDING,
    )
    assert not edge.scheduler.trouble
    assert not any(edge.dispatcher.trouble.values()), edge.dispatcher.trouble
    institute.until(lambda: "hospital" in edge.addresses, "the listener")
    institute.until(lambda: not institute._waits(), "the founding", FOUNDING)
    institute.rest()


@contextmanager
def _serving(edge: Edge) -> Iterator[str]:
    """The node with its API, in a thread of this process; its address."""
    logs.configure()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = uvicorn.Server(uvicorn.Config(
            app.build(edge), log_config=None, access_log=False, timeout_graceful_shutdown=5,
        ))  # fmt: skip
        thread = threading.Thread(target=server.run, args=([taken],), name="the hub")
        thread.start()
        try:
            until = time.monotonic() + PATIENCE
            while not server.started:
                assert thread.is_alive(), "the hub ended"
                assert time.monotonic() < until, "the hub did not start"
                time.sleep(0.02)
            yield f"http://127.0.0.1:{taken.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
