"""The page of the facade says what the facade does."""

from __future__ import annotations

from pathlib import Path

from crohub.fhir import provenance
from crohub.fhir.kind import BOTH
from crohub.fhir.kinds import KINDS


def table():
    """The resources and parameters of the facade in Markdown: a row for each."""
    head = ["| resource | record | found by | `_include` |", "|---|---|---|---|"]
    last = f"| `{provenance.TYPE}` | {provenance.SAYS} | `{provenance.TARGET}` (needed) | |"
    return [*head, *(_row(kind) for kind in KINDS.values()), last]


def _row(kind):
    found = ", ".join(_param(one) for one in kind.params)
    links = ", ".join(dict.fromkeys(_links(kind)))
    what = f"[{kind.entity}](model/{_page(kind)}.md): {kind.says}"
    return f"| `{kind.type}` | {what} | {found} | {links} |"


def _page(kind):
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in kind.entity).lstrip("-")


def _param(param):
    only = "" if param.versions == BOTH else f" ({param.versions[0]})"
    return f"`{param.name}`{only}{'*' if param.own else ''}"


def _links(kind):
    for version in BOTH:
        for name in kind.links(version):
            yield f"`{name}`"


def test_the_page_lists_what_is_served():
    text = (Path(__file__).parents[3] / "docs" / "fhir-facade.md").read_text()
    _, _, rest = text.partition("<!-- resources -->\n")
    shown, end, _ = rest.partition("<!-- end -->\n")

    assert end
    assert shown.splitlines() == table()
