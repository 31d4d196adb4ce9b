"""What a key is confined to: studies and sites by the names that people use for them, and back."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from crohub import why
from hub.checks import names
from hub.model.spec import entities
from hub.principal import SYSTEM
from hub.query import BadQuery
from hub.reader import Reader
from hub.sql import members
from hub.views.read import studies_named

Named = dict[str, str]  # id → what people call it
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOST = 20  # that are told apart where several are meant
_STUDY = (
    "its number, acronym, title, TYPE|value or id: `crohub view ctms_study_overview` shows them"
)
_SITE = "the number, institution or id of a site of the study: `crohub view ctms_site_status`"


class Unknown(Exception):
    """A name means no study or site, or several; the words say what was expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confinement:
    """Ids and names of what a key is confined to; None: to none."""

    studies: Named | None = None
    sites: Named | None = None

    def said(self) -> str:
        """As people read it: ONC-101, ONC-102; site 101. "" where it is confined to none."""
        parts = [self.studies, self.sites]
        return "; ".join(", ".join(one.values()) or "nothing" for one in parts if one is not None)

    def plain(self) -> dict[str, object]:
        """As programs read it."""
        return {"studies": _listed(self.studies), "sites": _listed(self.sites)}


def confinement(reader: Reader, studies: Sequence[str], sites: Sequence[str]) -> Confinement:
    """What these names mean; none at all: everything. A site is one of the studies that are named
    and, where none is, confines to its own study. Raises Unknown."""
    if not studies and not sites:
        return Confinement()
    chosen = [_one(reader, "Study", name, _studies(reader, name)) for name in studies]
    places = [_one(reader, "StudySite", name, _sites(reader, name, chosen)) for name in sites]
    own = chosen or _studies_of(reader, places)
    return Confinement(
        studies=_called(reader, "Study", own),
        sites=_called(reader, "StudySite", places) if places else None,
    )


def known(
    reader: Reader, studies: Collection[str] | None, sites: Collection[str] | None
) -> Confinement:
    """What a key that is stored is confined to, with the names of today."""
    return Confinement(
        studies=None if studies is None else _called(reader, "Study", sorted(studies)),
        sites=None if sites is None else _called(reader, "StudySite", sorted(sites)),
    )


def _one(reader: Reader, entity: str, name: str, found: Sequence[str]) -> str:
    what, how = ("study", _STUDY) if entity == "Study" else ("site", _SITE)
    if not found:
        raise Unknown(f"--{what} {name!r}: there is no such {what}; expected {how}")
    if len(found) > 1:
        apart = ", ".join(f"{one} ({called})" for one, called in _apart(reader, entity, found))
        raise Unknown(f"--{what} {name!r}: several are called so; expected the id of one: {apart}")
    return found[0]


def _studies(reader: Reader, name: str) -> list[str]:
    """By what a view finds a study, or by an identifier of it."""
    said = name.strip()
    is_id = _ID.fullmatch(said.lower())
    if found := studies_named(reader.session, said.lower() if is_id else said) if said else []:
        return found
    if is_id or not said:
        return []
    try:
        return why.find(reader, SYSTEM, entities()["Study"], said)
    except BadQuery as wrong:
        raise Unknown(f"--study {name!r}: {wrong}") from None


def _sites(reader: Reader, name: str, studies: Sequence[str]) -> list[str]:
    """Of these studies, or of any; one that belongs to no study confines to nothing."""
    said = name.strip()
    where, values = "s.study_id is not null", [said.lower(), said, said]
    if studies:
        test, value = members(reader.session.dialect, studies)
        where, values = f"s.study_id {test}", [*values, value]
    rows = reader.session.all(
        "select s.id from study_site s left join organization o on o.id = s.organization_id "
        "where s.superseded_by is null and (s.id = ? or s.site_number = ? or o.name = ?) "
        f"and {where} order by s.id",
        values,
    )
    return [row[0] for row in rows]


def _studies_of(reader: Reader, sites: Sequence[str]) -> list[str]:
    rows = reader.session.among(
        "select distinct study_id from study_site where id in {members}", sites
    )
    return sorted(row[0] for row in rows)


def _called(reader: Reader, entity: str, ids: Sequence[str]) -> Named:
    found = names.called(reader, entity, ids)
    return {one: found.get(one, one) for one in ids}


def _apart(reader: Reader, entity: str, ids: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each id with what tells it from the others: of a site its study, too."""
    own = _called(reader, entity, ids[:_MOST])
    if entity == "Study":
        yield from own.items()
        return
    rows = reader.session.among("select id, study_id from study_site where id in {members}", ids)
    homes: Named = dict(rows)
    studies = _called(reader, "Study", sorted(set(homes.values())))
    for one, called in own.items():
        yield one, f"{called} of {studies[homes[one]]}"


def _listed(found: Named | None) -> list[dict[str, str]] | None:
    return None if found is None else [{"id": one, "name": name} for one, name in found.items()]
