"""What a trial master file must hold, and what was filed for it."""

from __future__ import annotations

from hub.views.words import Words

FINAL = "('approved', 'effective', 'superseded', 'archived')"


def expected(on: Words) -> str:
    """The documents that must be there, each with the one that was filed for it: the one it names,
    else a final one of the same artifact in the same place. `filed_on`: when, as the list says."""
    return f"""
    select e.id, e.study_id, e.study_site_id, e.name, e.tmf_artifact, e.level, e.due_on, e.quality,
        coalesce(e.document_id, f.document_id) as document_id,
        e.filed_on,
        e.document_id is not null or f.document_id is not null or e.filed_on is not null as filed
    from expected_document e
    left join ({_held(on)}) f on f.study_id = e.study_id and f.tmf_artifact = e.tmf_artifact
        and f.place = coalesce(e.study_site_id, '')
    where {on.current("e")} and e.required is not false and {on.of("e.study_id")}"""


def _held(on: Words) -> str:
    return f"""
    select d.study_id, coalesce(d.study_site_id, '') as place, d.tmf_artifact,
        max(d.id) as document_id
    from document d
    where {on.current("d")} and d.status in {FINAL} and d.tmf_artifact is not null
        and {on.of("d.study_id")}
    group by d.study_id, coalesce(d.study_site_id, ''), d.tmf_artifact"""


def filed_on(on: Words, document: str) -> str:
    """When a document's first version was filed, as a scalar."""
    return f"""(
    select min({on.day("v.filed_at")}) from document_version v
    where v.document_id = {document} and {on.current("v")})"""
