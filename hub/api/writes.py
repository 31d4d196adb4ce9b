"""The routes that write. A write is a message of the caller's system like any other: it is kept,
settled and weighed against what others say. Nothing is overwritten.

The answer shows the record as it is believed now, and which fields another system's word wins.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from hub import repository, spoken, young
from hub.api import body, stating
from hub.api.answers import answer, known, parameters
from hub.api.auth import principal_of
from hub.api.deps import Came, Writing
from hub.api.errors import Problem, not_found
from hub.api.records import Records, id_of, spec_of
from hub.api.stating import Of, Stating
from hub.clock import uuid7
from hub.grants import is_restricted
from hub.identity import key_digest
from hub.model.spec import EntitySpec
from hub.principal import WRITE, Forbidden, Principal
from hub.query import BadQuery, View
from hub.reader import Reader
from hub.render import Record
from hub.statement import REMOVED, Gone, Meaning, Seen

Json = dict[str, Any]
_PATCH = "application/merge-patch+json"
_KEY = re.compile(r'"?[\x21\x23-\x7e]{1,200}"?')
_TAG = re.compile(r'(?:W/)?"([0-9]{1,9})"')
_NATIVE = 400  # characters of a system's key


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One write as it was asked for. `id` is empty for a new record; `once` is what the caller
    knows the request by, `token` what the hub does. `again`: it may have been begun before."""

    principal: Principal
    system: str
    verb: str
    spec: EntitySpec
    id: str
    given: Json
    tags: str
    once: str
    token: str = ""
    again: bool = False

    def hash(self) -> bytes:
        """Of all that makes it another request."""
        said = [self.verb, self.spec.name, self.id, self.tags, self.given]
        return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).digest()


@dataclass(frozen=True, slots=True)
class Said:
    """What is to be said: of which key, in which order, and by which message."""

    key: str
    lane: str
    meaning: Meaning


@dataclass(frozen=True, slots=True)
class Writes:
    """The routes of one deployment."""

    records: Records

    async def write(self, request: Request) -> Response:
        """One write."""
        principal = principal_of(request)
        principal.must(WRITE)
        if is_restricted(principal):
            raise Problem(403, detail="a key that is confined to some studies cannot write")
        known(parameters(request), ())
        asked = Asked(
            principal=principal,
            system=self._system(principal),
            verb=request.method,
            spec=spec_of(request),
            id=id_of(request) if "id" in request.path_params else "",
            given=await _given(request),
            tags=request.headers.get("if-match", "").strip(),
            once=_once(request.headers.get("idempotency-key")),
        )
        return await run_in_threadpool(self._answered, asked)

    def _system(self, principal: Principal) -> str:
        system = self._writing().system_of(principal)
        if not system:
            raise Problem(
                403, "CROHUB-NO-SYSTEM", "this key speaks for no system; expected a connection "
                "whose connector is api to name it",
            )  # fmt: skip
        return system

    def _writing(self) -> Writing:
        writing = self.records.deps.writing
        if writing is None:
            raise Problem(503, detail="this node takes no writes")
        return writing

    def _answered(self, asked: Asked) -> Response:
        """Once for each key of the caller's."""
        if not asked.once:
            return self._carried_out(_with(asked, uuid7(self.records.deps.clock())))
        once, keyring = self._writing().once, self.records.deps.keyring
        digest = keyring.digest(f"request|{asked.principal.name}|{asked.once}")
        begun = once.begin(digest, asked.hash())
        if isinstance(begun, bytes):
            return _unpacked(begun)
        if begun == "other":
            detail = "this Idempotency-Key came before with another request"
            raise Problem(422, "CROHUB-KEY-REUSED", detail)
        if begun == "running":
            detail = "a request with this Idempotency-Key is under way"
            raise Problem(409, "CROHUB-KEY-RUNNING", detail, Retry_After="1")
        token = f"{digest.hex()}-{asked.hash().hex()[:16]}"
        try:
            made = self._carried_out(_with(asked, token, again=begun == "again"))
        except (Problem, BadQuery, Forbidden):
            once.forget(digest)
            raise
        except BaseException:
            once.end(digest, None)
            raise
        once.end(digest, None if made.status_code == 202 else _packed(made))
        return made

    def _carried_out(self, asked: Asked) -> Response:
        with self.records.reading() as reader:
            said = _Planning(reader, asked).said()
        about = f"{asked.spec.name} {asked.id or 'new'}"
        message = spoken.written(asked.principal.name, said.lane, said.meaning)
        came = self._writing().say(asked.principal, message, asked.token, about)
        if came.state == "late":
            raise _stale()
        if came.state in ("waiting", "held"):
            reply = answer({"done": False, **_source(asked, said, came), "state": came.state})
            reply.status_code = 202
            return reply
        if came.state != "done":
            why = came.reason or came.state
            raise Problem(409, detail=f"message {came.seq} is kept and was not taken in: {why}")
        return self._shown(asked, said, came)

    def _shown(self, asked: Asked, said: Said, came: Came) -> Response:
        with self.records.reading() as reader:
            one = _record_of(reader, asked, said.key)
            view = View(provenance=True)
            record = repository.get(reader, asked.principal, asked.spec, one, view) if one else None
        if record is None:
            raise not_found()
        told = {"done": True, **_source(asked, said, came)}
        told |= {"outvoted": _outvoted(record, said.meaning, asked.system, came.seq)}
        del record["provenance"]
        headers = {"ETag": f'W/"{record["version"]}"'}
        if asked.verb == "POST":
            headers["Location"] = f"/api/v1/{asked.spec.plural}/{record['id']}"
        reply = answer(told | {"record": record}, headers=headers)
        reply.status_code = 201 if asked.verb == "POST" else 200
        return reply


@dataclass(frozen=True, slots=True)
class _Planning:
    """From a request to what is said, at one moment of the store."""

    reader: Reader
    asked: Asked

    def said(self) -> Said:
        """Raises Problem where it cannot be said."""
        return self._new() if self.asked.verb == "POST" else self._of_known()

    def _new(self) -> Said:
        asked = self.asked
        given = stating.plain(asked.given, {})
        key = given.get("key", asked.token)
        if not isinstance(key, str) or not 0 < len(key) <= _NATIVE or not key.isprintable():
            raise Problem(422, detail=f"key: expected a text of 1 to {_NATIVE} characters")
        if not asked.again and (one := _record_of(self.reader, asked, key)):
            where = f"/api/v1/{asked.spec.plural}/{one}"
            raise Problem(409, detail="this system has a record with this key", Location=where)
        fields = {name: value for name, value in given.items() if name != "key"}
        statements = self._stating().statements(Of(spec=asked.spec, key=key), fields)
        return Said(key, f"{asked.spec.name}|{asked.system}|{key}", Meaning(statements=statements))

    def _of_known(self) -> Said:
        asked = self.asked
        one = repository.current(self.reader, asked.principal, asked.spec, asked.id)
        if one is None:
            raise not_found()
        seen, key = self._seen(one), self._own_key(one)
        lane = f"{asked.spec.name}|{one}"
        if asked.verb == "DELETE":
            if not key:
                raise Problem(409, detail="this system has said nothing of this record")
            gone = Gone(entity=asked.spec.name, key=key)
            return Said(key, lane, Meaning(statements=(gone,), seen=seen))
        given = stating.plain(asked.given, {"key": "expected only where a record is new"})
        of = Of(spec=asked.spec, key=key or one, id=one, complete=asked.verb == "PUT")
        statements = self._stating().statements(of, given)
        return Said(of.key, lane, Meaning(statements=statements, seen=seen))

    def _stating(self) -> Stating:
        return Stating(self.reader, self.asked.principal)

    def _seen(self, one: str) -> Seen | None:
        tags, spec = self.asked.tags, self.asked.spec
        if not tags:
            detail = 'expected If-Match with the ETag of the record as it was read, or "*"'
            raise Problem(428, detail=detail)
        if tags == "*":
            return None
        versions = [int(found) for found in _TAG.findall(tags)]
        row = self.reader.session.one(f"select version from {spec.table.name} where id = ?", (one,))
        now = row[0] if row else 0
        if not self.asked.again and now not in versions:
            raise _stale()
        return Seen(spec.name, one, now if now in versions else min(versions, default=0))

    def _own_key(self, one: str) -> str:
        """How the system knows the record already; "" where it does not."""
        row = self.reader.session.one(
            "select x, native from xref where entity_id = ? and system = ? order by x limit 1",
            (one, self.asked.system),
        )
        if row is None:
            return ""
        return self.reader.keyring.open(bytes(row[1]), f"xref|{row[0]}|native".encode()).decode()


def routes(records: Records) -> APIRouter:
    """The routes. They share their paths with those that read."""
    made, own = APIRouter(), Writes(records)
    made.add_route("/{plural}", own.write, methods=["POST"])
    made.add_route("/{plural}/{id}", own.write, methods=["PUT", "PATCH", "DELETE"])
    return made


async def _given(request: Request) -> Any:  # noqa: ANN401 - JSON
    if request.method == "DELETE":
        return {}
    return await body.read(request, *([_PATCH] if request.method == "PATCH" else []))


def _once(said: str | None) -> str:
    if said is None:
        return ""
    if not _KEY.fullmatch(said):
        detail = "Idempotency-Key: expected 1 to 200 printable ASCII characters"
        raise Problem(400, "CROHUB-BAD-VALUE", detail)
    return said.strip('"')


def _with(asked: Asked, token: str, *, again: bool = False) -> Asked:
    return replace(asked, token=token, again=again)


def _record_of(reader: Reader, asked: Asked, key: str) -> str:
    digest = key_digest(reader.keyring, asked.spec.name, asked.system, key)
    return young.entity_of(reader.session, digest) or ""


def _source(asked: Asked, said: Said, came: Came) -> Json:
    return {"system": asked.system, "key": said.key, "message": came.seq}


def _outvoted(record: Record, meaning: Meaning, system: str, seq: int) -> list[Json]:
    """The fields that were said and are not believed, and whose word is."""
    told = []
    for name, value in getattr(meaning.statements[0], "fields", {}).items():
        won = record["provenance"].get(name)
        if won and won["message"] != seq and won["system"] != system:
            told.append({"field": name, "believed": won["system"]})
        elif won is None and value is not REMOVED:
            told.append({"field": name, "believed": None})
    return told


def _stale() -> Problem:
    return Problem(412, detail="the record has changed since it was read; read it again")


def _packed(made: Response) -> bytes:
    headers = {name: made.headers[name] for name in ("etag", "location") if name in made.headers}
    return orjson.dumps([made.status_code, headers, bytes(made.body).decode()])


def _unpacked(kept: bytes) -> Response:
    status, headers, text = orjson.loads(kept)
    headers = {"Cache-Control": "private, no-cache", **headers}
    return Response(text, status, headers, "application/json")
