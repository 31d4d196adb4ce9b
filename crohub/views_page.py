"""`docs/views.md`: which function of clinical research is served by which view, and which sources
feed it. Written from the views and the packaged mappings; a test keeps the page as they are."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from hub.views import limit, table
from hub.views.catalogue import views
from hub.views.view import Function, View
from mappings.code_tables import load_codes
from mappings.collection import Library, load_library

PAGE = "docs/views.md"
_SOURCES = {
    "oncore": "OnCore", "vault": "Veeva Vault", "irb": "Huron IRB", "redcap": "REDCap",
    "odm": "an EDC's ODM", "usdm": "USDM", "registry": "ClinicalTrials.gov", "hl7v2": "HL7 v2",
    "fhir": "FHIR", "workday": "Workday", "scim": "SCIM", "odata": "an ERP's OData",
    "ubl": "UBL invoices", "cii": "CII invoices", "protocol_builder": "Protocol Builder",
    "files": "offices' tables",
}  # fmt: skip
# what nearly every view names: it would say of each function that everything feeds it
_COMMON = {"Study", "StudySite", "Organization", "Person"}
_HEAD = f"""\
# Views

What people ask again and again, of all systems at once: {{count}} views, each one SELECT over the
canonical tables. `GET /views` lists them; `/views/ctms/study_overview` is a page of one, and so
is a command:

    $ crohub view
    $ crohub view ctms_study_overview
    $ crohub view ctms_participant_tracker --study ONC-101 overdue=true --sort next_visit_on
    $ crohub view ctms_site_status --study ONC-101 --as-of 2026-03-01
    $ crohub view croms_contracts --format xlsx --out contracts.xlsx

- **Filters**: every column is one (`enrolled__ge=10`, `status__in=approved,open_to_accrual`,
  `irb_expires_on__lt=2026-07-01`); `study=` takes what people call a study: its number, acronym,
  title or id. An unknown column, sort or view names those there are.
- **Order and pages**: `sort=-enrolled` by any column, empty values last; `next` of an answer is
  the `cursor` of the next page; `limit` to 500. A view with a row for each participant, visit or
  document is filtered or sorted only together with a study, site or enrollment.
- **Forms**: `format=json`, `ndjson`, `csv`, `parquet`, `xlsx`, or the Accept header. A file has
  all rows that meet the filters, at most {table.MOST:,} (`Crohub-Most-Rows`), from one moment of
  the store; the audit has who took it.
- **The past**: `as_of=` is what was so on a day, `known_at=` what the hub had been told by then,
  of one study; "today" in the view is that day. Sums, feeds and questions of the hub itself have
  no past.
- **How old it is**: every row and every answer says `as_of` and `freshness`: for each system that
  speaks of such records, when something of it was last settled. Questions of the whole
  institution read sums and rows that follow the change feed; `summed` says until when.
- **Trust**: `dq_flag` is the worst quality of what a row is made of: `ok`, `stub` (only referred
  to), `warning`, `conflict` (sources disagree). The source's own word stands beside the canonical
  one (`status`, `status_native`). Accrual is whoever was ever enrolled.
- **Money** is never added across currencies: the currency is part of the row. **Nothing
  personal** of a participant is in a view, and never the arm; a key that is confined to studies
  or sites sees theirs only.
- **No question runs without end**: after {limit.LONGEST:g} s it is refused with what would narrow
  it (`CROHUB-TOO-LONG`).

## Functions

The sources are those for which a mapping of the library speaks of what the views are made of;
[offices' tables](connectors/file-profiles.md) are CSV files and workbooks by template.
"""


def page() -> str:
    """The page."""
    library = load_library(codes=load_codes(), packaged=True)
    parts = [_HEAD.format(count=len(views())), "\n".join(_functions(library))]
    parts += ["\n".join(_chapter(view, library)) for view in views().values()]
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def _functions(library: Library) -> Iterator[str]:
    yield "| function | views | fed by |"
    yield "| --- | --- | --- |"
    for function in get_args(Function):
        serving = [view for view in views().values() if function in view.functions]
        names = ", ".join(f"[{view.name}](#{view.name})" for view in serving)
        of = {entity for view in serving for entity in view.entities}
        of = of - _COMMON or of
        yield f"| {function} | {names} | {', '.join(sources(library, of))} |"


def sources(library: Library, entities: set[str]) -> list[str]:
    """What feeds these kinds of records, in a person's words."""
    found = {
        name.partition("/")[0]
        for name, mapping in library.inbound.items()
        if entities & {thing.entity for thing in mapping.things}
    }
    return [says for family, says in _SOURCES.items() if family in found]


def _chapter(view: View, library: Library) -> Iterator[str]:
    yield f"## {view.name}\n"
    yield textwrap.fill(f"{view.answers} A row is {view.row}.", 120)
    fed = ", ".join(sources(library, set(view.entities))) or "the hub itself"
    yield textwrap.fill(f"Fed by {fed}.", 120) + "\n"
    yield "| column | kind | |"
    yield "| --- | --- | --- |"
    for one in view.columns:
        scope = f" (needs `{one.scope}`)" if one.scope else ""
        yield f"| `{one.name}` | {one.kind} | {one.says}{scope} |"


def write(root: Path) -> None:
    """Writes it below `root`."""
    (root / PAGE).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    write(Path())
