"""How operations are described: what each asks for and what its answer holds."""

from __future__ import annotations

from hub.api.openapi_parts import (
    Json,
    a_body,
    a_page,
    an_object,
    counts,
    of,
    operation,
    parameter,
)
from hub.decisions import ANSWERS, STATES
from pipelines import outcomes

_TAG = "operations"
_WHEN = "string?"
_CURSOR = parameter("cursor", "the `next` of the page before")
_LIMIT = parameter("limit", "at most so many", "integer")
_SEQ: Json = {"type": "integer", "minimum": 0, "maximum": (1 << 62) - 1}
_OBJECT: Json = {"type": "object", "additionalProperties": True}
_SEALED = parameter("body", "true: what it says; scope phi.read, and the audit knows", "boolean")
_REASON = a_body(an_object(reason={"type": "string", "minLength": 1}, closed=True))


def description() -> Json:
    """`paths` and `components` of /ops, health, metrics and hooks."""
    paths = _state() | _messages() | _deliveries() | _orders() | _beside()
    return {"paths": paths, "components": {"schemas": _schemas()}}


def _schemas() -> Json:
    made = {
        "Connection": an_object(
            "a configured system and how it is doing", name="string", connector="string",
            system="string", role="string", environment="production|test", state="string",
            address=_WHEN, heard_at=_WHEN, received="integer", parked="integer", trouble="string",
            counts=counts(),
        ),
        "Pipeline": an_object(
            "what joins a connection to mappings", name="string", direction="in|out",
            connection="string", mappings="[string]", stream_="string", schedule_=_WHEN,
            last_run_="object?", mode_="string", flow_="string", approval_="boolean",
            deliveries_=counts(), counts_=counts(), trouble_="string",
        ),
        "Feed": an_object(
            "a system's stream and when it last spoke", connection="string", stream="string",
            system="string", state_="string?", heard_at_=_WHEN, settled_at_=_WHEN, detail_=_WHEN,
        ),
        "Arrival": an_object(
            "one transfer and what became of it", id="integer", connection="string",
            stream="string", kind="string", began_at="string", ended_at=_WHEN, read="integer",
            new="integer", known="integer", outcome="string?", outcomes=counts(),
        ),
        "Message": an_object(
            "one message without its body", seq="integer", connection="string", stream="string",
            key="string", state="string", reason="string", place="string", tries="integer",
            pipeline="string", revision="integer", media="string", at="string",
            received_at="string", notes_="[string]", asserted_="[object]", body_="string",
        ),
        "Delivery": an_object(
            "something that was said to another system, or would be", id="string",
            pipeline="string", entity="string", record="string", version="integer",
            state="string", detail="string?", tries="integer", made_at="string", tried_at=_WHEN,
            ended_at=_WHEN, confirmed="boolean", body_=_WHEN,
        ),
        "Done": an_object(
            "`done` false: it is stored and will be obeyed", done="boolean", messages_="anything",
        ),
        "Overview": an_object(messages=counts(), entities=counts()),
    }  # fmt: skip
    for name in ("Feed", "Arrival", "Message"):
        made[f"{name}Page"] = a_page(f"${name}")
    made["Connections"] = an_object(items="[$Connection]")
    made["Deliveries"] = an_object(items="[$Delivery]")
    made["Feeds"] = an_object(items="[$Feed]")
    flows: Json = {"type": "object", "additionalProperties": counts()}
    made["Pipelines"] = an_object(items="[$Pipeline]", flows=flows)
    return made


def _state() -> Json:
    gate = parameter("do", "what is to be done with it", "pause|drain|resume", where="path")
    name = parameter("name", "the connection", where="path")
    return {
        "/ops/connections": {"get": _op("every connection and how it is doing", "$Connections")},
        "/ops/pipelines": {"get": _op("every pipeline and flow", "$Pipelines")},
        "/ops/feeds": {"get": _op("which systems have spoken, and when they last did", "$Feeds")},
        "/ops/arrivals": {"get": _op("transfers, newest first", "$ArrivalPage", _CURSOR, _LIMIT)},
        "/ops/overview": {"get": _op("all messages by what became of them", "$Overview")},
        "/ops/connections/{name}/{do}": {
            "post": _order("pauses, drains or resumes a connection", _REASON, name, gate)
        },
    }


def _messages() -> Json:
    states = "|".join(("done", "waiting", *outcomes.STATES))
    asked = [
        parameter("state", "in one state", states), parameter("connection", "of a connection"),
        parameter("pipeline", "of a pipeline"), parameter("control_id", "with this MSH-10"),
    ]  # fmt: skip
    number: Json = {"type": ["integer", "string"]}
    sought = an_object(
        state_="string", connection_="string", pipeline_="string", control_id_="string",
        patient_="string", cursor_=number, limit_=number, closed=True,
    )  # fmt: skip
    body = a_body(sought, must=False)
    one = parameter("seq", "the message's number", _SEQ, where="path")
    return {
        "/ops/messages": {
            "get": _op("messages, newest first", "$MessagePage", *asked, _CURSOR, _LIMIT)
        },
        "/ops/messages/search": {
            "post": operation(_TAG, "as the list, and by patient", "$MessagePage", body=body)
        },
        "/ops/messages/{seq}": {"get": _op("what became of a message", "$Message", one, _SEALED)},
    }


def _deliveries() -> Json:
    one = parameter("one", "the delivery's id", where="path")
    asked = [parameter("pipeline", "of a pipeline"), parameter("state", "in one state"), _LIMIT]
    return {
        "/ops/deliveries": {"get": _op("deliveries, newest first", "$Deliveries", *asked)},
        "/ops/deliveries/{one}": {"get": _op("one delivery", "$Delivery", one, _SEALED)},
        "/ops/pipelines/{name}/backfill": {
            "post": _order(
                "says what a pipeline has not said so far", _REASON,
                parameter("name", "the outbound pipeline", where="path"),
            )
        },
    }  # fmt: skip


def _orders() -> Json:
    ids: Json = {"type": "array", "items": _SEQ, "maxItems": 10_000}
    flag = of("boolean")
    replay = an_object(
        ids_=ids, state_="string", connection_="string", pipeline_="string", patient_="string",
        do_=flag, present_=flag, reason_="string", closed=True,
    )  # fmt: skip
    discard = an_object(ids=ids, reason={"type": "string", "minLength": 1}, closed=True)
    answer = an_object(state="|".join(ANSWERS), reason="string", closed=True)
    one = parameter("one", "the decision's id", where="path")
    state = parameter("state", "open unless said", "|".join(STATES))
    return {
        "/ops/decisions": {
            "get": _op("questions, the oldest first", "$QuestionPage", state, _CURSOR, _LIMIT)
        },
        "/ops/decisions/{one}": {"post": _order("answers a question", a_body(answer), one)},
        "/ops/replay": {"post": _order("settles messages again", a_body(replay))},
        "/ops/discard": {"post": _order("sets parked messages aside", a_body(discard))},
    }


def _beside() -> Json:
    up = operation("health", "the process is up", an_object(status="string", durability="string"))
    ready = an_object(ready="boolean", listeners="[string]", trouble=_OBJECT)
    is_ready = operation("health", "whether it takes connections and settles", ready)
    is_ready["responses"]["503"] = is_ready["responses"]["200"] | {"description": "it is not"}
    for one in (up, is_ready):
        one["security"] = []
        one["responses"] = {s: a for s, a in one["responses"].items() if "$ref" not in a}
    text = operation(_TAG, "figures for Prometheus", "string", media=("text/plain",))
    return {
        "/healthz": {"get": up},
        "/readyz": {"get": is_ready},
        "/metrics": {"get": text},
        "/hooks/{name}": {"post": _hook()},
    }


def _hook() -> Json:
    name = parameter("name", "the connection", where="path")
    body: Json = {"required": True, "content": {"application/json": {"schema": {}}}}
    says = "one event of a connection, which knows its sender by a way of its own"
    answers = {
        "202": "it is on disk", "401": "it is not trusted", "404": "no connection takes them",
        "413": "it is too long", "503": "not now; Retry-After says when to come again",
    }  # fmt: skip
    return {
        "tags": ["hooks"], "summary": says, "parameters": [name], "requestBody": body,
        "security": [], "responses": {s: {"description": t} for s, t in answers.items()},
    }  # fmt: skip


def _op(says: str, gives: str, *parameters: Json) -> Json:
    return operation(_TAG, says, gives, parameters)


def _order(says: str, body: Json, *parameters: Json) -> Json:
    return operation(_TAG, says, "$Done", parameters, body=body, statuses=("200", "202"))
