"""A study's story in sentences: what each system says, what is believed and why, what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from crohub import why
from hub.because import SAME
from hub.checks import words
from hub.study_story import state

Json = dict[str, Any]
_EVIDENCE = 6  # pieces that are shown of one finding


def lines(story: Json) -> Iterator[str]:
    """The story, a line at a time."""
    yield from _head(story)
    yield from _chapter("What each system says", map(_said, story["says"]))
    yield from _chapter("What crohub believes, and why", _beliefs(story))
    yield from _chapter("What the IRB has approved", map(_approval, story["approvals"]))
    wrong = [line for one in story["wrong"] for line in _wrong(one)]
    yield from _chapter("What is wrong, and who should act", wrong or ["nothing that is known"])


def _head(story: Json) -> Iterator[str]:
    row = story["study"]
    yield f"{story['name'] or row.get('title') or 'a study'}  {row.get('title') or ''}".rstrip()
    facts = [
        row.get("sponsor"),
        f"principal investigator {row['principal_investigator']}"
        if row.get("principal_investigator") else None,
        f"phase {row['phase'].replace('_', '/')}" if row.get("phase") else None,
        words.status(row.get("status_native"), row.get("status")) if row.get("status") else None,
    ]  # fmt: skip
    yield "; ".join(fact for fact in facts if fact)


def _chapter(title: str, told: Any) -> Iterator[str]:  # noqa: ANN401 - lines
    yield ""
    yield title
    for line in told:
        yield f"  {line}"


def _said(voice: Json) -> str:
    parts = [state(voice)] if voice["status"] or voice["status_native"] else []
    if voice["subjects"]:
        by_state = [f"{n} {name.replace('_', ' ')}" for name, n in voice["subjects"].items()]
        everyone = sum(voice["subjects"].values())
        parts.append(f"{everyone} subjects, {voice['enrolled']} of them enrolled: "
                     f"{', '.join(by_state)}")  # fmt: skip
    last = f"; last word {voice['at'][:10]}" if voice["at"] else ""
    return f"{_system(voice)}: {'; '.join(parts) or 'that it exists'}{last}"


def _beliefs(story: Json) -> Iterator[str]:
    row = story["study"]
    if row.get("enrolled") is not None:
        of = f" of {row['target']} planned" if row.get("target") else ""
        yield f"{row['enrolled']} participants ever enrolled{of} (accrual: whoever has a day of " \
              "enrolment, whatever became of them since)"  # fmt: skip
    for one in story["believes"]:
        yield from _belief(one, row)


def _belief(one: Json, row: Json) -> Iterator[str]:
    """A field's value, who says so and why that counts, and what others say instead."""
    value = row.get(one["field"]) if isinstance(one["value"], dict) else why.shown(one["value"])
    yield f"{one['field'].removesuffix('_on').replace('_', ' ')}: {value}"
    if one["said_by"]:
        alike = [other for other in one["others"] if other["because"] == SAME]
        also = f", and so {words.listed(_systems(alike))}" if alike else ""
        yield f"    {_system(one['said_by'])} says so{also}; {one['rule']['because']}"
    for other in one["others"]:
        if other["because"] != SAME:
            yield f"    {_system(other)} says {why.shown(other['value'])}: {other['because']}"


def _systems(voices: Sequence[Json]) -> list[str]:
    return list(dict.fromkeys(_system(one) for one in voices))


def _system(voice: Json) -> str:
    if not voice["role"] or voice["role"].casefold() == voice["system"]:
        return str(voice["system"])
    return f"{voice['system']} ({voice['role']})"


def _approval(one: Json) -> str:
    until = f"until {one['until']}" if one["until"] else "without an end"
    where = f" at {one['site']}" if one["site"] else ""
    whose = "the IRB of record" if one["of_record"] else "which only notes what another decides"
    return f"{one['number']}: approved{where} since {one['since']}, {until}, by " \
           f"{one['board'] or 'a board'}, {whose}"  # fmt: skip


def _wrong(one: Json) -> Iterator[str]:
    yield str(one["sentence"])
    for said in one["evidence"][:_EVIDENCE]:
        of = f" ({said['of']})" if said["of"] else ""
        yield f"    {said['system']}: {said['says']}{of}"
    if (more := len(one["evidence"]) - _EVIDENCE) > 0:
        yield f"    and {more} more"
    since = f"since {one['since']}, " if one["since"] else ""
    yield f"    {since}{one['age_days']} days; {one['act']} should act"
