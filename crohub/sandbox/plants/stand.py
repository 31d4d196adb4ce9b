"""Has the made-up systems hold what is planted, and the hospital say it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, time
from typing import Any

from crohub.sandbox.erp_books import BILLING, JOURNAL
from crohub.sandbox.fhir_store import FhirStore
from crohub.sandbox.news import News
from crohub.sandbox.plants.ground import Ground
from crohub.sandbox.scim_records import account_id
from crohub.sandbox.systems import Systems
from crohub.sandbox.workday_records import REPORT
from crohub.sandbox.world import ZONE, Message

Row = dict[str, Any]
_FIRST_DOCUMENT = 5001
# referred-to things first
_REGISTER = ("Organization", "Practitioner", "ResearchStudy", "Patient", "Consent",
             "ResearchSubject")  # fmt: skip


class Standing:
    """The ground, as far as the systems hold it: what is new is written when `put` is called."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self._news = News()

    def put(self, systems: Systems, store: FhirStore, at: datetime) -> None:
        """Writes what is new into the systems and, at a moment, into the register."""
        systems.hr.reports[REPORT] += self.ground.rows.get("hr/workers", {}).values()
        systems.captured.users[:] = self.ground.rows.get("edc/users", {}).values()
        for place, put in _places(systems).items():
            for name, row in self.ground.rows.get(place, {}).items():
                is_due = self.ground.told.get((place, name), date.min) <= at.date()
                if is_due and self._news.is_new(row, place, name):
                    put(name, row)
        for kind in _REGISTER:
            for name, row in self.ground.rows.get(f"register/{kind}", {}).items():
                if self._news.is_new(row, kind, name):
                    store.put(row, at)

    def put_early(self, store: FhirStore) -> None:
        """Writes into an empty register what it has known for long."""
        told = [it for it in self.ground.told.items() if it[0][0].startswith("register/")]
        for (place, name), on in sorted(told, key=lambda it: it[1]):
            row = self.ground.at(place, name)
            store.put(row, datetime.combine(on, time(9), ZONE))
            self._news.is_new(row, place.removeprefix("register/"), name)

    def sent(self, on: date, *, is_first: bool) -> list[Message]:
        """What the hospital says over HL7 on a day; on the first one of all days before as well."""
        return [
            one for one in self.ground.sent
            if one.at.date() == on or (is_first and one.at.date() < on)
        ]  # fmt: skip

    def times(self) -> dict[str, datetime]:
        """When a table was last written, where that is longer ago than now."""
        return {"safety-cases": datetime.combine(self.ground.portal_until, time(9), ZONE)}

    def tables(self, before: Mapping[str, Iterable[Row]]) -> dict[str, list[Row]]:
        """The offices' tables with what is planted at their ends; a row that is there already, by
        the number in its first column, is not there twice."""
        found = {name: list(rows) for name, rows in before.items()}
        for name, rows in self._tables():
            have = found.setdefault(name, [])
            known = {next(iter(row.values())) for row in have} if name in _KEYED else set()
            have += [row for row in rows if next(iter(row.values())) not in known]
        return found

    def _tables(self) -> Iterator[tuple[str, list[Row]]]:
        for place, rows in self.ground.rows.items():
            kind, _, name = place.partition("/")
            if kind == "tables":
                yield name, list(rows.values())


_KEYED = ("training-requirements",)


def _places(systems: Systems) -> dict[str, Callable[[str, Row], object]]:
    """How a row is put, by its place."""
    return {
        **{f"ctms/{name}": _in_ctms(systems, name) for name in _CTMS},
        **{f"etmf/{name}": _in_etmf(systems, name) for name in _ETMF},
        "etmf/documents": lambda title, row: _file(systems, title, row),
        "irb/studies": lambda _, row: systems.irb.studies.__setitem__(row["id"], row),
        "irb/submissions": lambda number, row: systems.irb.submit(number, **row),
        "directory/users": lambda who, row: systems.directory.put(account_id(who), **row),
        "edc/records": lambda _, row: systems.captured.put(row),
        "registry/studies": systems.registry.studies.__setitem__,
        "erp/A_BillingDocument": lambda _, row: systems.erp.put(
            BILLING, ("BillingDocument",), **row
        ),
        "erp/A_JournalEntryItemBasic": lambda _, row: systems.erp.put(
            JOURNAL, ("AccountingDocument", "LedgerGLLineItem"), **row
        ),
    }


def _in_ctms(systems: Systems, table: str) -> Callable[[str, Row], object]:
    return lambda _, row: systems.ctms.put(table, **row)


def _in_etmf(systems: Systems, kind: str) -> Callable[[str, Row], object]:
    return lambda _, row: systems.etmf.put(kind, **row)


_CTMS = (
    "protocols", "protocolManagementDetails", "protocolInstitutions", "protocolCalendarVisits",
    "contacts", "protocolStaff", "subjectDemographics", "protocolSubjects",
    "protocolSubjectVisits",
)  # fmt: skip
_ETMF = ("study__v", "site__v", "monitoring_event__ctms", "edl_item__v")


def _file(systems: Systems, title: str, row: Row) -> None:
    number = _FIRST_DOCUMENT + sum(key >= _FIRST_DOCUMENT for key in systems.etmf.documents)
    systems.etmf.file(
        f"{title}: made up\n".encode(), id=number, document_number__v=f"VV-TMF-{number:05d}", **row
    )
