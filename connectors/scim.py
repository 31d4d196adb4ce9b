"""An identity provider over SCIM 2.0 (RFC 7643, RFC 7644): accounts and groups, read and kept.

`Users` and `Groups` are whole lists, which tell of deletes; `changed_users` and `changed_groups`
are what changed, where the provider can filter and sort, and never tell of a delete.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar, Self
from urllib.parse import quote

from pydantic import Field, PrivateAttr

from connectors import one_by_one
from connectors.address import BaseUrl
from connectors.auth import Auth
from connectors.errors import ConnectorError, Misconfigured, Refused, TryLater
from connectors.facts import Facts
from connectors.formats import json_text
from connectors.http import Ask, Http, HttpSettings
from connectors.http_policy import Answer, StatusRefused
from connectors.pagers import Offset, count_at, find
from connectors.protocol import Connector, Health
from connectors.record import Delivery, Receipt, Record
from connectors.rest import Rest
from connectors.rest_elements import Element, elements
from connectors.rest_stream import Stream, changed, record
from connectors.resume import Page, Seen, instant, stamp, with_cursors
from connectors.world import World

MEDIA = "application/scim+json"
_LISTS = {"Users": "Users", "Groups": "Groups"}
_CHANGED = {"changed_users": "Users", "changed_groups": "Groups"}
_RESOURCES = "Resources || `[]`"  # left out where there are none (RFC 7644 §3.4.2)
_TOTAL = "totalResults"
_EMPLOYEE = '"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User".employeeNumber'
_PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_DOES = ("deactivate", "activate", "add_member", "remove_member")


class Scim(Connector):
    """One provider. `excluded` are attributes that it is asked to leave out, since a directory
    holds more about people than research operations need."""

    facts: ClassVar[Facts] = Facts(
        pulls="users, groups",
        incremental="meta.lastModified with overlap, where it can be filtered",
        deletes="whole lists compared",
        pushes="deactivate, group membership",
        auth="Basic, bearer, OAuth2",
        tested="scim2-server",
    )

    base_url: BaseUrl = Field(
        description="What stands before /Users, as https://idp.example.edu/scim/v2."
    )
    auth: Auth = Field(description="How we sign in.")
    http: HttpSettings = Field(
        default=HttpSettings(), description="Limits, trust and proxy of the HTTP client."
    )
    page: int = Field(
        default=200,
        ge=1,
        le=1000,
        description="Resources asked for at once; a provider may give fewer.",
    )
    overlap: int = Field(
        default=300, ge=0, description="Seconds before the cursor that are read again."
    )
    excluded: tuple[str, ...] = Field(
        default=("photos", "addresses", "x509Certificates", "ims", "entitlements"),
        description="Attributes that the provider is asked to leave out.",
    )

    _line: Rest = PrivateAttr()

    def model_post_init(self, _: Any, /) -> None:  # noqa: ANN401 - pydantic's
        self._line = Rest(
            base_url=self.base_url,
            auth=self.auth,
            http=self.http,
            headers={"Accept": f"{MEDIA}, application/json"},
            streams={"Users": self._list("/Users", sorts=False)},
        )

    def within(self, world: World) -> Self:
        """The same connection in other surroundings."""
        other = super().within(world)
        other._line = self._line.within(world)  # noqa: SLF001 - our own, of another instance
        return other

    def check(self) -> Health:
        """Asks what the provider can do, then for one account, which needs to be let in."""
        try:
            with self._line.session() as http:
                can = self._can(http)
                answer = self._get(http, "/Users", (("startIndex", "1"), ("count", "1")))
                number = count_at(_TOTAL, json_text.read(answer.body))
        except ConnectorError as error:
            return Health(ok=False, detail=str(error))
        said = ", ".join(f"{name}: {'yes' if can[name] else 'no'}" for name in sorted(can))
        return Health(ok=True, detail=f"{number} users; {said}", version="2.0")

    def is_whole(self, stream: str) -> bool:
        """See `connectors.protocol.Whole`."""
        return stream in _LISTS

    def pull(self, stream: str, since: str) -> Iterator[Record]:
        """See `Pulls`. The cursor of what changed is the newest `meta.lastModified`."""
        if stream not in _LISTS | _CHANGED:
            known = ", ".join(_LISTS | _CHANGED)
            raise Misconfigured(f"no stream is called {stream!r}; SCIM has {known}")
        then = instant(since)
        if since and then is None:
            raise Misconfigured(f"cursor {since[:60]!r} is none of ours, expected an instant")
        with self._line.session() as http:
            can = self._can(http)
            if stream in _LISTS:
                listed = self._list(f"/{_LISTS[stream]}", sorts=can["sort"])
                line = self._line.model_copy(update={"streams": {stream: listed}})
                yield from line.pull(stream, "")
                return
            if not (can["filter"] and can["sort"]):
                raise Misconfigured(f"the provider cannot filter and sort; read {_CHANGED[stream]}")
            first = stamp(then - timedelta(seconds=self.overlap)) if then else ""
            pages = self._changes(http, stream, first)
            yield from with_cursors(pages, since, stamp, reached=then)

    def push(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt]:
        """Deactivates, activates, and adds to or removes from a group. `Delivery.target` has
        `do`, and `user` and `group`, ids of the provider; what is so already is left alone. With
        `employee` it is the account of that employee number, should `user` be of another job."""
        if not deliveries:
            return []
        with self._line.session() as http:
            return one_by_one.deliver(deliveries, partial(self._say, http))

    def _list(self, path: str, *, sorts: bool) -> Stream:
        sorting = {"sortBy": "id"} if sorts else {}
        pager = Offset(
            kind="offset", offset_param="startIndex", limit_param="count",
            limit=self.page, start=1, total=_TOTAL,
        )  # fmt: skip
        return Stream(
            path=path, params=self._params() | sorting, records=_RESOURCES, id="id",
            modified="meta.lastModified", pager=pager, whole=True, total=_TOTAL,
        )  # fmt: skip

    def _params(self) -> dict[str, str]:
        return {"excludedAttributes": ",".join(self.excluded)} if self.excluded else {}

    def _changes(self, http: Http, stream: str, after: str) -> Iterator[Page]:
        """Pages by time: each asks for what is not older than the newest that came, since places
        (`startIndex`) shift when something changes; they count only within one moment."""
        wanted = self._list(f"/{_CHANGED[stream]}", sorts=False)
        seen, start = Seen(), 1
        while True:
            answer = self._get(http, wanted.path, self._changed_since(after, start))
            try:
                found, whole = elements(answer.body, _RESOURCES)
                total = count_at(_TOTAL, whole)
                newest = _time(found[-1]) if found else ""
            except Refused as error:
                raise Refused(f"{answer.told}: {error}") from None
            yield self._page(stream, wanted, found, answer, seen)
            if not found or start - 1 + len(found) >= total:
                return
            after, start = (newest, 1) if newest != after else (after, start + len(found))

    def _changed_since(self, after: str, start: int) -> tuple[tuple[str, str], ...]:
        said = {"filter": f'meta.lastModified ge "{after}"'} if after else {}
        asked = {"sortBy": "meta.lastModified", "startIndex": str(start), "count": str(self.page)}
        return tuple((self._params() | said | asked).items())

    def _page(
        self, stream: str, wanted: Stream, found: Sequence[Element], answer: Answer, seen: Seen
    ) -> Page:
        at = answer.server_time or self._world.now()
        said = wanted.model_copy(update={"whole": False})
        records = [record(stream, said, one, at) for one in found]
        return Page(
            records=[one for one in records if seen.first(one.message_key)],
            times=[time for one in found if (time := changed(said, one))],
            server_time=answer.server_time,
        )

    def _say(self, http: Http, delivery: Delivery) -> Receipt:
        do, user = delivery.target.get("do", ""), delivery.target.get("user", "")
        group = delivery.target.get("group", "")
        needs = "group" if do.endswith("_member") else ""
        if do not in _DOES or not user or (needs and not group):
            raise Refused(
                f"target: expected `do` ({', '.join(_DOES)}), `user`, for members `group`"
            )
        if employee := delivery.target.get("employee", ""):
            user = self._account(http, user, employee)
        path = f"/Groups/{quote(group, safe='')}" if needs else f"/Users/{quote(user, safe='')}"
        for last in (False, True):  # somebody else was quicker: look again, once
            answer = self._get(http, path)
            there = json_text.read(answer.body)
            if find("id", there) != (group if needs else user):
                raise Refused(f"{answer.told}: the answer is another thing than was asked for")
            change = _change(there, do, user)
            if change is None:
                break
            try:
                http.ask(self._patch(path, change, answer))
                break
            except StatusRefused as error:
                if error.status != 412:
                    raise
                if last:
                    why = f"{error}; it changes all the time"
                    raise TryLater(why, answered=True) from error
        return Receipt(id=delivery.id, outcome="delivered", native_id=group if needs else user)

    def _account(self, http: Http, user: str, employee: str) -> str:
        """The account of an employee number: somebody with two jobs may have two, and `user` is
        one of them. An account that says no number is taken at its id."""
        there = json_text.read(self._get(http, f"/Users/{quote(user, safe='')}").body)
        if find(_EMPLOYEE, there) in (None, "", employee):
            return user
        found = [
            str(find("id", account))
            for one in self._line.pull("Users", "")
            if find(_EMPLOYEE, account := json_text.read(one.body)) == employee
        ]
        if len(found) != 1:
            raise Refused(f"{len(found)} accounts have the employee number of this job")
        return found[0]

    def _patch(self, path: str, change: dict[str, Any], there: Answer) -> Ask:
        version = there.headers.get("etag", "")
        headers = {**self._line.headers, "Content-Type": MEDIA}
        if version:
            headers["If-Match"] = version
        body = json_text.write({"schemas": [_PATCH], "Operations": [change]})
        return Ask(
            url=f"{self.base_url}{path}", method="PATCH", headers=headers, body=body,
            repeatable=True,  # whoever repeats it meets 412 or finds it done
        )  # fmt: skip

    def _can(self, http: Http) -> dict[str, bool]:
        said = json_text.read(self._get(http, "/ServiceProviderConfig").body)
        names = ("filter", "sort", "patch", "etag")
        return {name: find(f"{name}.supported", said) is True for name in names}

    def _get(self, http: Http, path: str, params: tuple[tuple[str, str], ...] = ()) -> Answer:
        ask = Ask(url=f"{self.base_url}{path}", params=params or None, headers=self._line.headers)
        return http.ask(ask)


def _change(there: Any, do: str, user: str) -> dict[str, Any] | None:  # noqa: ANN401 - JSON
    """The operation that makes it so; None where it is so already."""
    if do in ("deactivate", "activate"):
        wanted = do == "activate"
        if find("active", there) is wanted:
            return None
        return {"op": "replace", "path": "active", "value": wanted}
    member = user in (find("members[].value", there) or [])
    if member == (do == "add_member"):
        return None
    if do == "add_member":
        return {"op": "add", "path": "members", "value": [{"value": user}]}
    escaped = user.replace("\\", "\\\\").replace('"', '\\"')
    return {"op": "remove", "path": f'members[value eq "{escaped}"]'}


def _time(element: Element) -> str:
    said = find("meta.lastModified", element.value)
    if not isinstance(said, str) or instant(said) is None:
        raise Refused("a resource without meta.lastModified; read the whole list instead")
    return said
