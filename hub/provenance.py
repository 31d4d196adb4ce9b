"""Why a field has its value: who said it in which message, which rule let it win, what others say.

Worked out when asked, from the statements that still hold and the present policy: the same that
settling folds. What was settled under another policy says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from hub.because import SAME, because, lost
from hub.choose import Voice, choose
from hub.database import Row
from hub.enrich import add_labels
from hub.fold import by_field, natives, speaking
from hub.history import opened
from hub.load import assertion_place
from hub.model.spec import EntitySpec
from hub.policy import PERSON, Policy
from hub.principal import Principal
from hub.query import BadQuery, View
from hub.reader import Reader, sealed_parts
from hub.render import Record, moment
from hub.repository import get
from hub.things import Assertion, Xref
from hub.write import read_provenance

# What is known of messages by number: their connection, stream, pipeline, revision, received_at
Sources = Callable[[Sequence[int]], Mapping[int, Record]]
A_PERSON = "a person"
_EARLIER = "settled under an earlier policy or statement; see the others"
_BESIDE = "it is the source's word beside the code that counts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The fields of one record that were asked for, each with its story, as JSON.

    A field: `field`, `value`, `since` and `version` (when it got it), `said_by`, `rule`, `others`.
    A voice (`said_by`, and each of `others`): `system`, `role`, `value`, `at`, `message`,
    `assertion`, `source`; of others also `because`: why it does not count.
    """

    entity: str
    id: str
    name: str  # how people know the record, "" where they do not
    fields: list[Record]

    def plain(self) -> Record:
        """As an answer shows it."""
        return {"entity": self.entity, "id": self.id, "name": self.name, "fields": self.fields}


@dataclass(frozen=True, slots=True)
class Teller:
    """The means of telling: a reader, the policy in force, and what is known of messages."""

    reader: Reader
    policy: Policy
    sources: Sources

    def story(
        self, principal: Principal, spec: EntitySpec, one: str, asked: Iterable[str] = ()
    ) -> Story | None:
        """The story of these fields (phi.birth_date: of a sealed part), or of all that have a value
        and are not sealed; None where the record does not exist for the principal.

        Raises BadQuery for a field there is not, Forbidden without the scope for a sealed part;
        what is opened is reported as seen.
        """
        wanted = _wanted(spec, asked)
        parts = frozenset(part for part, _ in wanted if part)
        record = get(self.reader, principal, spec, one, View(include=parts))
        if record is None:
            return None
        if not wanted:
            wanted = [("", name) for name in spec.fields if record.get(name) is not None]
        told: list[Record] = []
        for part in dict.fromkeys(part for part, _ in wanted):
            own = sealed_parts(spec.name)[part] if part else spec
            page = _Page(self, own, record["id"], _xrefs(self.reader, spec, own, record["id"]))
            values = record[part] or {} if part else record
            names = [name for p, name in wanted if p == part]
            told += page.told(values, names, f"{part}." if part else "")
        self._name(principal, told)
        return Story(
            entity=spec.name, id=record["id"], name=str(record.get(spec.label) or ""), fields=told
        )

    def _name(self, principal: Principal, told: Sequence[Record]) -> None:
        """Messages get their source, references the label of what may be seen."""
        voices = [voice for one in told for voice in _voices(one)]
        known = self.sources(sorted({voice["message"] for voice in voices}))
        for voice in voices:
            voice["source"] = known.get(voice["message"])
        values = [one["value"] for one in (*told, *voices)]
        add_labels(self.reader, principal, [{str(n): value for n, value in enumerate(values)}])


def _voices(one: Record) -> Iterator[Record]:
    if one["said_by"]:
        yield one["said_by"]
    yield from one["others"]


@dataclass(slots=True)
class _Page:
    """The statements about one record, or about its sealed part."""

    teller: Teller
    spec: EntitySpec
    id: str
    xrefs: list[Xref]
    homes: dict[int, str] = field(default_factory=dict)

    def told(self, values: Record, names: Sequence[str], prefix: str) -> list[Record]:
        """The story of each field, in the order of `names`."""
        voices = by_field(speaking(self.spec.name, self.xrefs))
        self.homes = _homes(self.teller.reader, voices, names)
        row = self.teller.reader.session.one(
            f"select provenance from {self.spec.table.name} where id = ?", (self.id,)
        )
        spoken = [name for name in self.spec.fields if values.get(name) is not None]
        won = read_provenance(row[0], spoken) if row else {}
        since = _since(self.teller.reader, self.spec, self.id, names)
        found = []
        for name in names:
            version, recorded_at = since.get(name, (None, None))
            one = {
                "field": prefix + name, "value": values.get(name),
                "since": moment(recorded_at) if recorded_at else None, "version": version,
            }  # fmt: skip
            found.append(one | self._told(name, voices.get(name, []), won.get(name)))
        return found

    def _told(self, name: str, voices: Sequence[Voice], won: int | None) -> Record:
        policy, entity = self.teller.policy, self.spec.name
        rule = policy.rule(entity, name)
        entry = f"{entity}.{name if name in policy.rules.get(entity, {}) else '*'}"
        said: Record = {"entry": entry, "by": rule.by, "order": list(rule.order)}
        if not voices:
            return {"said_by": None, "rule": said | {"because": "no system speaks of it"},
                    "others": []}  # fmt: skip
        best, _ = choose(policy, entity, name, voices)
        if won is not None and best.said.a != won:
            beside = name in natives(entity).values()
            said["because"] = _BESIDE if beside else _EARLIER
            best = next((one for one in voices if one.said.a == won), best)
        else:
            said["because"] = because(policy, entity, name, best, voices)
        others = sorted(
            (one for one in voices if one is not best),
            key=lambda voice: policy.rank(entity, name, voice.system),
        )
        mine = self._voice(name, best)
        return {
            "said_by": mine,
            "rule": said,
            "others": [self._other(name, one, best, mine["value"]) for one in others],
        }

    def _other(self, name: str, voice: Voice, best: Voice, value: Any) -> Record:  # noqa: ANN401
        """A voice that does not count, and why. Two references may lead to one record."""
        told = self._voice(name, voice)
        same = value is not None and told["value"] == value
        why = SAME if same else lost(self.teller.policy, self.spec.name, name, best, voice)
        return told | {"because": why}

    def _voice(self, name: str, voice: Voice) -> Record:
        said = voice.said
        is_person = voice.system == PERSON
        return {
            "system": A_PERSON if is_person else voice.system,
            "role": "" if is_person else self.teller.policy.role(voice.system),
            "value": self._value(name, voice),
            "at": moment(said.at) if said.at else None,
            "message": said.seq,
            "assertion": said.a,
            "source": None,
        }

    def _value(self, name: str, voice: Voice) -> Any:  # noqa: ANN401 - JSON
        if not voice.known:
            return None
        if type(voice.value) is dict:
            home = self.homes.get(voice.value["x"])
            return {"entity": self.spec.fields[name].meta.of, "id": home} if home else None
        return voice.value


def _wanted(spec: EntitySpec, asked: Iterable[str]) -> list[tuple[str, str]]:
    """(part, field) of each; the part's name alone stands for all of its fields."""
    found: list[tuple[str, str]] = []
    parts = sealed_parts(spec.name)
    for said in asked:
        part, dot, name = said.rpartition(".")
        if said in parts:
            found += [(said, one) for one in parts[said].fields]
        elif (dot and part in parts and name in parts[part].fields) or said in spec.fields:
            found.append((part, name))
        else:
            known = [*spec.fields, *(f"{p}.{n}" for p, s in parts.items() for n in s.fields)]
            raise BadQuery("CROHUB-UNKNOWN-FIELD", f"{spec.name} has the fields {', '.join(known)}")
    return found


def _xrefs(reader: Reader, spec: EntitySpec, own: EntitySpec, one: str) -> list[Xref]:
    """The keys of a record with those of their live assertions that are about `own`."""
    rows = reader.session.all(
        "select x, digest, entity, system, native, home_id, entity_id, live from xref "
        "where entity_id = ? and entity = ? order by x",
        (one, spec.name),
    )
    by_number: dict[int, Xref] = {}
    for *kept, live in rows:
        by_number |= dict.fromkeys(orjson.loads(live), Xref(*kept))
    numbers = sorted(by_number)
    for row in reader.session.among(
        "select a, x, entity, seq, at, native_version, kind, said, sealed, echo from assertion "
        "where a in {members}",
        numbers,
    ):
        if row[2] == own.name:
            by_number[row[0]].live.append(_assertion(reader, row))
    return list({xref.x: xref for xref in by_number.values()}.values())


def _assertion(reader: Reader, row: Row) -> Assertion:
    a, x, entity, seq, at, version, kind, said, sealed, echo = row
    if sealed is not None:
        said = reader.keyring.open(bytes(sealed), assertion_place(a))
    echoes = frozenset(orjson.loads(echo)) if echo else frozenset()
    fields = orjson.loads(said) if said else {}
    return Assertion(a, x, entity, seq, at, version, kind, fields, echoes)


def _homes(
    reader: Reader, voices: Mapping[str, Sequence[Voice]], names: Sequence[str]
) -> dict[int, str]:
    """Where the references among these lead to now."""
    meant = {
        voice.value["x"]
        for name in names
        for voice in voices.get(name, ())
        if type(voice.value) is dict and "x" in voice.value
    }
    return dict(
        reader.session.among("select x, entity_id from xref where x in {members}", sorted(meant))
    )


def _since(
    reader: Reader, spec: EntitySpec, one: str, names: Sequence[str]
) -> dict[str, tuple[int, int]]:
    """For each field the version that gave it its value, and when that was recorded."""
    missing, found = set(names), {}
    for v, n, recorded_at, changed, sealed in reader.session.all(
        "select v, n, recorded_at, changed, sealed from version where id = ? and entity = ? "
        "order by n desc",
        (one, spec.name),
    ):
        for name in missing & opened(reader, spec, v, changed, sealed).keys():
            found[name] = (n, recorded_at)
            missing.discard(name)
        if not missing:
            break
    return found
