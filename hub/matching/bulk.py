"""All records of an entity at once: Splink finds the pairs that are worth comparing.

Needs the extra `splink`. It brings together what shares more kinds of things than the search looks
for, with the figures of `hub.matching.weights`; whether somebody is asked is for the scorer, which
knows what a household shares. Everything is in the clear in the memory of this process, and goes
to no file.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from hub.database import Session
from hub.matching.read import subjects
from hub.matching.traits import Subject
from hub.matching.weights import TRAITS
from hub.model.spec import entities
from hub.seal import Keyring

LEAST = 0.0  # bits from which on a pair is worth the scorer's look
_AT_ONCE = 2000  # records read in one query
_NEAR = (0.92, 0.84)  # Jaro-Winkler, as the scorer has it
_WORDS = ("same", "close", "similar", "different")
_ALIKE = ("same", "different")
_DAYS = ("same", "close", "different")
# the traits that are compared, by kind of comparison, and what records of one pair share
_COMPARED: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "Participant": {
            "family_name": _WORDS, "given_name": _WORDS, "birth_date": _DAYS,
            "postal_code": _ALIKE, "phone": _ALIKE, "email": _ALIKE,
        },
        "Person": {
            "family_name": _WORDS, "given_name": _WORDS, "department": _WORDS, "email": _ALIKE,
            "phone": _ALIKE,
        },
        "Organization": {
            "name": _WORDS, "city": _ALIKE, "postal_code": _ALIKE, "website": _ALIKE,
            "phone": _ALIKE,
        },
    }
)  # fmt: skip
_SHARED: Mapping[str, Sequence[tuple[str, ...]]] = MappingProxyType(
    {
        "Participant": (
            ("birth_date",), ("family_name", "given_name"), ("postal_code", "given_name"),
            ("substr(birth_date, 1, 4)", "substr(family_name, 1, 3)"), ("phone",), ("email",),
        ),
        "Person": (
            ("family_name", "substr(given_name, 1, 1)"), ("given_name", "department"), ("phone",),
            ("email",),
        ),
        "Organization": (
            ("name",), ("city", "substr(name, 1, 4)"), ("postal_code",), ("website",), ("phone",),
        ),
    }
)  # fmt: skip


class NoSplink(Exception):
    """The extra is not installed."""


def everyone(session: Session, keyring: Keyring, entity: str) -> dict[str, Subject]:
    """Every record of an entity, as it is compared."""
    table = entities()[entity].table.name
    rows = session.all(f"select id from {table} where superseded_by is null order by id")
    found: dict[str, Subject] = {}
    for at in range(0, len(rows), _AT_ONCE):
        ids = [one for (one,) in rows[at : at + _AT_ONCE]]
        found |= subjects(session, keyring, entity, ids)
    return found


def pairs(entity: str, found: Iterable[Subject], least: float = LEAST) -> list[tuple[str, str]]:
    """Pairs that agree by `least` bits or more, each once, the older record first. Raises
    NoSplink."""
    try:
        import duckdb
        import pyarrow
        from splink import DuckDBAPI, Linker, SettingsCreator, block_on
    except ImportError as error:
        raise NoSplink("expected the extra: pip install 'crohub[splink]'") from error
    rows = [_row(entity, one) for one in found]
    if len(rows) < 2:
        return []
    logging.getLogger("splink").setLevel(logging.ERROR)
    settings = SettingsCreator(
        link_type="dedupe_only",
        probability_two_random_records_match=0.5,  # so that a weight is what the traits say
        comparisons=[_comparison(entity, name) for name in _COMPARED[entity]],
        blocking_rules_to_generate_predictions=[block_on(*some) for some in _SHARED[entity]],
    )
    with duckdb.connect(":memory:", config={"temp_directory": ""}) as memory:
        frame = DuckDBAPI(connection=memory).register(
            pyarrow.Table.from_pylist(rows, schema=_schema(entity, pyarrow))
        )
        linker = Linker(frame, settings, log_level="ERROR", validate_settings=False)
        said = linker.inference.predict(threshold_match_weight=least).as_record_list()
    return sorted({_pair(one["unique_id_l"], one["unique_id_r"]) for one in said})


def _pair(one: str, other: str) -> tuple[str, str]:
    return (min(one, other), max(one, other))


def _schema(entity: str, arrow: Any) -> Any:  # noqa: ANN401 - pyarrow
    """Every column is text, also where no record has a value."""
    return arrow.schema([(name, arrow.string()) for name in ("unique_id", *_COMPARED[entity])])


def _row(entity: str, one: Subject) -> dict[str, str | None]:
    return {"unique_id": one.id} | {name: _flat(one.traits[name]) for name in _COMPARED[entity]}


def _flat(value: Any) -> str | None:  # noqa: ANN401 - a trait
    """A trait in one text: of several values the first."""
    if isinstance(value, frozenset):
        return min(value, default=None)
    if isinstance(value, tuple):
        value = value[0] if value else ""
        return " ".join(value) if isinstance(value, tuple) else value or None
    return value or None


def _comparison(entity: str, name: str) -> Any:  # noqa: ANN401 - Splink
    import splink.comparison_library as library

    levels = _COMPARED[entity][name]
    made: Mapping[tuple[str, ...], Callable[[], Any]] = {
        _WORDS: lambda: library.JaroWinklerAtThresholds(name, list(_NEAR)),
        _ALIKE: lambda: library.ExactMatch(name),
        _DAYS: lambda: library.DamerauLevenshteinAtThresholds(name, [1]),
    }
    one = made[levels]()
    odds = [TRAITS[entity][name].levels[level] for level in levels]
    return one.configure(m_probabilities=[m for m, _ in odds], u_probabilities=[u for _, u in odds])
