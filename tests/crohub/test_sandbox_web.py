"""The shared server of made-up systems: it answers, and it fails as it is asked to."""

import time

import httpx2 as httpx
import pytest
from starlette.responses import JSONResponse
from starlette.routing import Route

from crohub.sandbox.web import Fault, WebServer


async def hello(_request):
    return JSONResponse({"hello": "x" * 10_000})


@pytest.fixture
def server():
    with WebServer([Route("/hello", hello)]) as made:
        yield made


def get(server, path="/hello", **rest):
    with httpx.Client(timeout=5) as client:
        return client.get(server.url + path, **rest)


def test_without_faults_it_answers_and_remembers_who_asked(server):
    assert get(server).json()["hello"]
    assert get(server, "/nothing").status_code == 404
    assert [(one.method, one.path, one.status) for one in server.asked] == [
        ("GET", "/hello", 200),
        ("GET", "/nothing", 404),
    ]


@pytest.mark.parametrize(
    ("kind", "status"),
    [("unauthorized", 401), ("throttled", 429), ("broken", 500), ("failed", 200)],
)
def test_a_fault_strikes_once_where_it_is_meant_to(server, kind, status):
    server.faults.append(Fault(kind, path="/hello", passes=1, body={"responseStatus": "FAILURE"}))

    assert [get(server, path).status_code for path in ("/nothing", "/hello", "/hello")] == [
        404,
        200,
        status,
    ]
    assert get(server).json()["hello"]


def test_an_answer_is_cut_off_or_slow(server):
    server.faults += [Fault("truncated"), Fault("slow", seconds=0.3)]

    with pytest.raises(httpx.RemoteProtocolError):
        get(server)
    began = time.monotonic()
    assert len(get(server).content) > 10_000
    assert time.monotonic() - began > 0.25
