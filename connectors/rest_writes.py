"""Writes to a JSON-over-HTTP system that leave one thing there however often they are said.

What is to be said is looked for first: where the system has it and it says the same, nothing is
sent; where it says something else, it is changed; where there is none, it is made. Of an error
that a system answers, its codes are told and its words without what may be somebody's value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from connectors.errors import ConnectorError, Misconfigured, Refused
from connectors.formats import json_text
from connectors.http import Ask, Http
from connectors.http_policy import Answer, StatusRefused
from connectors.pagers import Path, find
from connectors.record import Delivery, Receipt
from connectors.rest_elements import elements

_PATH = r"^(/[^?#]*)?$"
_NAME = re.compile(r"\{(\w+)\}")
_VALUES = re.compile(r"\"[^\"]*\"|'[^']*'|“[^”]*”|\S*\d\S*")  # what a message quotes or numbers
_MOST = 200  # characters of another's words
_GONE = (404, 410)
_TRANSIENT = (408, 425, 429)
_SO_ALREADY = "it is so already"


class Write(BaseModel):
    """How one kind of thing is said. `{name}` in a path or parameter is the delivery's target's.

    It is looked for at `find`, which answers with one thing or a list; of a list those count
    whose fields `same` are those of what is to be said. A new one is sent to `make` with POST. One
    that is there is sent to `change` with PUT, what it says laid over what was there; `{found}` is
    its `id`. Without `make` it is never made, without `change` never changed. `each` is the name
    in the target that may hold several values, with commas between: all of them are changed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    find: str = Field(
        pattern=r"^/[^?#]*$",
        description="Path at which the thing is looked for; {name} is a name of the target.",
    )
    params: dict[str, str] = Field(
        default_factory=dict, description="Parameters of that search, by name; {name} as in find."
    )
    records: Path = Field(
        default="@", description="Where the things found are in the answer, by JMESPath."
    )
    same: tuple[str, ...] = Field(
        default=(),
        description="Fields that must equal what is to be said for a thing to be the same.",
    )
    id: Path = Field(description="What names a thing, by JMESPath.")
    each: str = Field(
        default="",
        description="Name of the target that may hold several values with commas; empty: none.",
    )
    make: str = Field(
        default="",
        pattern=_PATH,
        description="Path that a new thing is POSTed to; empty: it is never made.",
    )
    change: str = Field(
        default="",
        pattern=_PATH,
        description="Path that a change is PUT to, {found} is the id; empty: never changed.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Says deliveries to one system; `turn` waits until the next request may be made."""

    http: Http
    base: str
    headers: Mapping[str, str]
    writes: Mapping[str, Write]
    turn: Callable[[], None]

    def say(self, delivery: Delivery) -> Receipt:
        """One receipt. Raises Refused, TryLater (NoAnswer: perhaps it is there) or
        Misconfigured."""
        how = self.writes.get(delivery.stream)
        if how is None:
            known = ", ".join(self.writes)
            raise Misconfigured(f"nothing is written as {delivery.stream!r}; known: {known}")
        said = json_text.read(delivery.body)
        if not isinstance(said, dict):
            raise Refused(f"the delivery is {type(said).__name__}, expected one object of fields")
        receipts = [self._one(how, one, said) for one in _each(how, delivery)]
        return next((one for one in receipts if one.detail != _SO_ALREADY), receipts[-1])

    def _one(self, how: Write, delivery: Delivery, said: dict[str, Any]) -> Receipt:
        try:
            return self._said(how, delivery, said)
        except StatusRefused as error:
            if "already exists" not in str(error):
                raise
            there = self._there(how, delivery, said)  # another was faster than our look
            if there is None:
                raise
            return _receipt(delivery, how, there, "it already exists")

    def _said(self, how: Write, delivery: Delivery, said: dict[str, Any]) -> Receipt:
        there = self._there(how, delivery, said)
        if there is None:
            if not how.make:
                raise Refused(f"{delivery.stream}: what was to change is not there")
            return self._made(how, delivery, said)
        news = {name: value for name, value in said.items() if not _alike(there.get(name), value)}
        if not news:
            return _receipt(delivery, how, there, _SO_ALREADY)
        if not how.change:
            raise Refused(f"{delivery.stream}: it is there and says something else")
        names = {**delivery.target, "found": _text(find(how.id, there))}
        self._ask("PUT", _filled(how.change, names), body={**there, **news})
        return _receipt(delivery, how, there, "changed")

    def _there(self, how: Write, delivery: Delivery, said: Mapping[str, Any]) -> Any:  # noqa: ANN401
        """The thing itself as the system has it; None where it has none."""
        path = _filled(how.find, delivery.target)
        params = {name: _plain(value, delivery.target) for name, value in how.params.items()}
        try:
            answer = self._ask("GET", path, params=params)
        except StatusRefused as error:
            if error.status in _GONE:
                return None
            raise
        found = [one.value for one in elements(answer.body, how.records)[0]]
        rows = [one for one in found if isinstance(one, dict) and one]
        same = [one for one in rows if all(_alike(one.get(n), said.get(n)) for n in how.same)]
        if len(same) > 1:
            raise Refused(f"{answer.told}: {len(same)} are the same; a person must decide")
        return same[0] if same else None

    def _made(self, how: Write, delivery: Delivery, said: Mapping[str, Any]) -> Receipt:
        answer = self._ask("POST", _filled(how.make, delivery.target), body=said)
        try:
            made = json_text.read(answer.body) if answer.body.strip() else {}
        except Refused:
            made = {}
        return _receipt(delivery, how, made, "made")

    def _ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Answer:
        self.turn()
        typed = {"Content-Type": "application/json"} if body is not None else {}
        return self.http.ask(
            Ask(
                url=f"{self.base}{path}",
                method=method,
                params=tuple(params.items()) if params else None,
                headers={"Accept": "application/json", **self.headers, **typed},
                body=b"" if body is None else json_text.write(body),
            )
        )


def told_error(answer: Answer, codes: tuple[str, ...]) -> ConnectorError | None:
    """The error that an answer with a JSON `message` stands for, with the members `codes` and its
    words; None leaves it to the status. A success that has the first of `codes` is none."""
    inside = answer.status < 300 and f'"{codes[0]}"'.encode() in answer.body[:_MOST]
    if not inside and (not 400 <= answer.status < 500 or answer.status in _TRANSIENT):
        return None
    words = " ".join(_words(answer, codes))[:_MOST]
    if not words:
        return None
    told = f"{answer.told}: HTTP {answer.status}: {words}"
    if answer.status in (401, 403):
        return Misconfigured(f"{told}; check who is let in")
    return StatusRefused(told, answer.status)


def _words(answer: Answer, codes: tuple[str, ...]) -> Iterator[str]:
    try:
        said = json_text.read(answer.body)
    except Refused:
        return
    if not isinstance(said, dict):
        return
    for name in codes:
        if isinstance(said.get(name), str) and re.fullmatch(r"[\w.]{1,60}", said[name]):
            yield f"{name} {said[name]}"
    if isinstance(said.get("message"), str):
        yield " ".join(_VALUES.sub("…", said["message"]).split())


def _each(how: Write, delivery: Delivery) -> Iterator[Delivery]:
    """A delivery about several things as one about each, in their order."""
    for value in delivery.target.get(how.each, "").split(",") if how.each else ("",):
        target = {**delivery.target, how.each: value} if how.each else delivery.target
        yield replace(delivery, target=target)


def _receipt(delivery: Delivery, how: Write, there: Any, detail: str) -> Receipt:  # noqa: ANN401
    native = _text(find(how.id, there))
    return Receipt(id=delivery.id, outcome="delivered", detail=detail, native_id=native)


def _filled(path: str, names: Mapping[str, str]) -> str:
    """`path` with its names' values, none of which can lead elsewhere."""
    return _NAME.sub(lambda found: quote(_value(found[1], names), safe=""), path)


def _plain(value: str, names: Mapping[str, str]) -> str:
    return _NAME.sub(lambda found: _value(found[1], names), value)


def _value(name: str, names: Mapping[str, str]) -> str:
    found = names.get(name, "")
    if found in ("", ".", ".."):
        raise Refused(f"the delivery's target names no {name!r}")
    return found


def _alike(there: Any, said: Any) -> bool:  # noqa: ANN401 - JSON
    """Do both say the same? Ids are numbers in one answer and text in the next."""
    return bool(there == said) or (_text(there) == _text(said) != "")


def _text(value: Any) -> str:  # noqa: ANN401 - JSON
    plain = isinstance(value, str | int) and not isinstance(value, bool)
    return str(value) if plain else ""
