"""The description of the API is true: a client that somebody else's program makes of it works, and
whatever that description allows or forbids is answered without a server error."""

from __future__ import annotations

import contextlib
import importlib
import json
import re
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import response_schema_conformance
from starlette.routing import Route

from crohub import app as application
from crohub import schema, starter
from hub.api.records import served
from pipelines.edge import open_edge
from pipelines.places import Places
from pipelines.settings import load
from tests.crohub.conftest import serving

DESK = "connector: api\nsystem: desk\nrole: OTHER\nsettings: {keys: [admin]}\n"
CONFIG = "post_hooks: []\npackage_name_override: crohub_client\n"
TAGS = {"Study", "StudySite", "Participant", "hub", "views", "operations", "health"}
# what a person opens in a browser, and addresses that others stand for
PAGES = {"/", "/docs", "/openapi.json", "/sign-in", "/sign-out", "/style.css"}
GENERAL = {
    "/views/{}/{}", "/hooks/{}/{}", "/fhir/{}/{}", "/fhir/{}/{}/_search", "/fhir/{}/{}/{}",
}  # fmt: skip
CHECKS = [not_a_server_error, response_schema_conformance]
STARTING = 180.0  # seconds the first message may wait for its reader on a busy machine
ENDLESS = "/api/v1/changes/stream"
RECORDS = {
    "studies": {"title": "A trial", "phase": "2"},
    "participants": {"sex": "female", "phi": {"family_name": "ZZExample"}},
    "organizations": {"name": "North"},
    "persons": {"active": True},
}


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    config = tmp_path_factory.mktemp("openapi") / "deployment"
    starter.write(config)
    hospital = config / "connections" / "hospital.yaml"
    hospital.write_text(hospital.read_text().replace("${env:CROHUB_MLLP_PORT:-2575}", "0"))
    (config / "connections" / "desk.yaml").write_text(DESK)
    with serving(config) as running:
        yield running


@pytest.fixture(scope="module")
def description(hub):
    return hub.get("/openapi.json")


@pytest.fixture(scope="module")
def told(hub) -> dict[str, str]:
    """A record of each of a few kinds: plural → id."""
    found = {}
    for plural, said in RECORDS.items():
        hub.client.post(f"/api/v1/{plural}", json=said)
        items = hub.until(lambda plural=plural: hub.get(f"/api/v1/{plural}")["items"], STARTING)
        found[plural] = items[0]["id"]
    return found


@pytest.fixture(scope="module")
def client(description, tmp_path_factory):
    """A client made by openapi-python-client of what is described of a few kinds of record and all
    that is not a record: of the rest it would be the same again."""
    folder = tmp_path_factory.mktemp("client")
    part = description | {"paths": dict(_of(description["paths"], TAGS))}
    (folder / "openapi.json").write_text(json.dumps(part))
    (folder / "config.yaml").write_text(CONFIG)
    made = subprocess.run(
        [Path(sys.executable).with_name("openapi-python-client"), "generate", "--path",
         folder / "openapi.json", "--output-path", folder / "crohub_client", "--config",
         folder / "config.yaml", "--meta", "none"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    assert "WARNING" not in made.stdout + made.stderr
    sys.path.insert(0, str(folder))
    yield importlib.import_module("crohub_client")
    sys.path.remove(str(folder))


def _of(paths, tags) -> Iterator:
    for path, operations in paths.items():
        kept = {verb: one for verb, one in operations.items() if tags & set(one["tags"])}
        if kept:
            yield path, kept


def test_a_generated_client_reads_and_writes(hub, client, told):
    from uuid import UUID

    def of(name):
        return importlib.import_module(f"crohub_client.{name}")

    models, problem = of("models"), of("models").Problem
    phase, third = models.StudyNewPhaseType1("3"), models.ListStudiesPhase("3")
    with client.AuthenticatedClient(hub.address, token=hub.key) as caller:
        new = of("api.study.create_studies").sync(
            client=caller,
            body=models.StudyNew(key="C-1", title="Made by a client", phase=phase),
            idempotency_key="once",
        )
        one = UUID(new.record.id)
        listed = of("api.study.list_studies").sync(client=caller, phase=third, limit=5)
        read = of("api.study.get_studies_by_id").sync_detailed(one, client=caller)
        change = of("api.study.change_studies_by_id")
        body = models.StudyWrite(title="Changed by a client")
        changed = change.sync(one, client=caller, body=body, if_match=read.headers["etag"])
        stale = change.sync(one, client=caller, body=body, if_match=read.headers["etag"])
        wrong = of("api.study.list_studies").sync(client=caller, sort="wards")
        feed = of("api.hub.list_changes").sync(client=caller, entity="Study")
        seen = of("api.operations.get_ops_messages_by_seq").sync(changed.message, client=caller)
        gone = of("api.study.withdraw_studies_by_id").sync(one, client=caller, if_match="*")

    assert (new.done, new.system, new.record.title) == (True, "desk", "Made by a client")
    assert [item.id for item in listed.items] == [new.record.id]
    assert read.parsed.title == "Made by a client"
    assert changed.record.title == "Changed by a client"
    assert (type(stale), stale.status, stale.code) == (problem, 412, "CROHUB-STALE")
    assert (type(wrong), wrong.code) == (problem, "CROHUB-UNKNOWN-SORT")
    assert [item.id for item in feed.items if item.id == new.record.id]
    assert (seen.state, seen.connection) == ("done", "desk")
    assert gone.record.withdrawn is True


def test_whatever_is_asked_is_answered_without_a_server_error(hub, description, told):
    """Of each record's many operations two, so that over all kinds each comes many times."""
    operations = list(_operations(description))
    kinds = {spec.name for spec in served().values()}
    chosen = [one for one in operations if not kinds & set(one.tags)]
    for number, kind in enumerate(sorted(kinds)):
        own = [one for one in operations if kind in one.tags]
        chosen += [own[(number + step) % len(own)] for step in (0, 7)]

    faults = [fault for one in chosen for fault in _faults(hub, one, told, examples=2)]

    assert len(chosen) > 150
    assert not faults, "\n".join(faults)


@pytest.mark.faults
def test_whatever_the_whole_description_allows_or_forbids_is_answered(hub, description, told):
    operations = list(_operations(description))

    faults = [fault for one in operations for fault in _faults(hub, one, told, examples=1)]

    assert len(operations) > 900
    assert not faults, "\n".join(faults)


def test_every_route_is_described_and_every_operation_has_a_name_of_its_own(tmp_path):
    starter.write(tmp_path / "deployment")
    places = Places(tmp_path / "data")
    places.make()
    schema.upgrade(places)
    edge = open_edge(places, load(tmp_path / "deployment"), fatal=lambda error: None)
    app = application.build(edge)
    served = {(verb, path) for path, verbs in _routes(app.routes) for verb in verbs - {"HEAD"}}
    described = [
        (verb.upper(), _plain(path), one["operationId"])
        for path, operations in app.openapi()["paths"].items()
        for verb, one in operations.items()
    ]

    names = Counter(name for _, _, name in described)
    missing = served - {(verb, path) for verb, path, _ in described}
    assert {name for name, count in names.items() if count > 1} == set()
    assert {path for _, path in missing} <= PAGES | GENERAL
    assert len(described) > 900


def _routes(routes, prefix="") -> Iterator[tuple[str, set[str]]]:
    for one in routes:
        if isinstance(one, Route):
            path = (prefix + one.path).replace("/api/v1/{plural}", "/api/v1/studies")
            yield _plain(path), set(one.methods)
        else:
            within = one.include_context.prefix
            yield from _routes(one.original_router.routes, prefix + within)


def _plain(path: str) -> str:
    return re.sub(r"{[^}]*}", "{}", path)


def _operations(description) -> Iterator[APIOperation]:
    schema = schemathesis.openapi.from_dict(description)
    return (found.ok() for found in schema.get_all_operations())


def _faults(hub, operation: APIOperation, told: dict[str, str], *, examples: int) -> list[str]:
    """What went wrong with this operation, for what is described and for what is not."""
    found = []
    for mode in GenerationMode:
        for number, case in enumerate(_cases(operation, mode, examples)):
            _led(case, told, real=number % 2 == 0)
            try:
                _asked(hub, case)
            except FailureGroup as failures:
                found += [f"{operation.label}: {str(one)[:500]}" for one in failures.exceptions]
    return found


def _cases(operation: APIOperation, mode: GenerationMode, examples: int) -> list[Case]:
    cases: list[Case] = []

    @seed(7)
    @settings(max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode))
    def collect(case):
        cases.append(case)

    with warnings.catch_warnings(), contextlib.suppress(Unsatisfiable):
        warnings.simplefilter("ignore")  # that there are fewer examples
        collect()  # what takes nothing cannot be asked wrongly: there is no example at all
    return cases


def _led(case: Case, told: dict[str, str], *, real: bool) -> None:
    """To a record that there is, now and then; and nobody waits for the next change."""
    plural = case.path.split("/")[3] if case.path.startswith("/api/v1/") else ""
    if real and plural in told and "id" in case.path_parameters:
        case.path_parameters["id"] = told[plural]
    if isinstance(case.query, dict):
        case.query.pop("wait", None)


def _asked(hub, case: Case) -> None:
    headers = {"Authorization": f"Bearer {hub.key}"}
    if case.path == ENDLESS:
        query = {name: str(value) for name, value in (case.query or {}).items()}
        with hub.client.stream("GET", ENDLESS, params=query) as answer:
            assert answer.status_code < 500
        return
    answer = case.call(base_url=hub.address, headers=headers, timeout=30)
    if case.path != "/readyz":
        case.validate_response(answer, checks=CHECKS, headers=headers)
