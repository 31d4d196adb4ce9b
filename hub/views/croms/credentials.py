"""Which licences, CVs and disclosures run out."""

from __future__ import annotations

from hub.model.credential import KINDS, STATUSES
from hub.views.parts import DQ, PERSON
from hub.views.view import View, code, count, date, flag, text
from hub.views.words import Words


def _sql(on: Words) -> str:
    return f"""
    select c.id as id, c.person_id, {on.person("p")} as person, p.department, c.kind,
        c.kind_native, case when length(c.number) > 4
            then '***' || substr(c.number, length(c.number) - 2)
            when c.number is not null then '***' end as number,
        c.issuer, coalesce(c.jurisdiction, c.country) as jurisdiction, c.status, c.status_native,
        c.issued_on, c.expires_on, {on.days(on.today, "c.expires_on")} as days_left,
        d.title as evidence, c.evidence_id is not null as has_evidence, c.verified_on,
        {on.person("v")} as verified_by, {on.worst("c.quality")} as dq_flag
    from credential c
    left join person p on p.id = c.person_id
    left join person v on v.id = c.verified_by_id
    left join document d on d.id = c.evidence_id
    where {on.current("c")}"""


VIEW = View(
    name="croms_credentials",
    answers="Which licences, CVs, disclosures and certificates run out, and are they on file?",
    row="a credential",
    functions=("credentials, certifications and training",),
    entities=("Credential", "Person", "Document"),
    columns=(
        *PERSON,
        text("department", "the person's department"),
        code("kind", "what it is", KINDS),
        text("kind_native", "kind as the source said it"),
        text("number", "the end of its number"),
        text("issuer", "who issued it"),
        text("jurisdiction", "state, region or country where it is valid"),
        code("status", "status", STATUSES),
        text("status_native", "status as the source said it"),
        date("issued_on", "issued"),
        date("expires_on", "last day; none: does not expire"),
        count("days_left", "days until then, negative once it has passed"),
        text("evidence", "the copy on file"),
        flag("has_evidence", "a copy is on file"),
        date("verified_on", "last verified with its issuer"),
        text("verified_by", "who verified it"),
        DQ,
    ),
    sql=_sql,
)
