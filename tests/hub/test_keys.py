"""Keys: whom they speak for, what they are confined to, and what older ones open."""

from __future__ import annotations

import pytest
from alembic import command

from hub import keys, schema
from hub.database import engine, session
from hub.grants import covers
from hub.principal import ADMIN, OPERATE, PHI, READ, WRITE, Principal

NOW = 1_772_000_500_000_000
STUDY, OTHER, SITE = (f"00000000-0000-7000-8000-00000000000{n}" for n in (1, 2, 3))


def stored(store, *scopes, name="ada", **confined):
    made = keys.make(name, scopes or (READ,), now=NOW, days=10, **confined)
    with store.transaction():
        keys.put(store, made.row)
    return keys.principal(store, made.text, NOW)


def test_a_key_that_is_confined_to_nothing_opens_all(store):
    assert stored(store) == Principal(name="key:ada", scopes=frozenset({READ}))


def test_a_confined_key_speaks_for_its_studies_and_sites(store):
    found = stored(store, READ, PHI, studies={OTHER, STUDY}, sites=[SITE])

    assert found == Principal(
        name="key:ada", scopes=frozenset({READ, PHI}), studies=frozenset({STUDY, OTHER}),
        sites=frozenset({SITE}),
    )  # fmt: skip


@pytest.mark.parametrize(
    "confined", [{"studies": []}, {"sites": ()}, {"studies": [STUDY], "sites": []}]
)
def test_a_key_with_an_empty_list_opens_nothing_at_all(store, confined):
    found = stored(store, READ, PHI, OPERATE, **confined)

    assert found.scopes == frozenset()
    assert frozenset() in (found.studies, found.sites)


@pytest.mark.parametrize("scope", [WRITE, ADMIN])
@pytest.mark.parametrize("confined", [{"studies": [STUDY]}, {"sites": [SITE]}, {"studies": []}])
def test_what_reaches_beyond_its_studies_is_not_for_a_confined_key(scope, confined):
    with pytest.raises(ValueError, match=f"cannot have {scope}: .* expected some of {READ}"):
        keys.make("ada", (READ, scope), now=NOW, **confined)


def test_a_key_that_an_earlier_release_ordered_opens_what_it_did(store):
    made = keys.make("ada", (READ,), now=NOW, days=10)
    row = {name: value for name, value in made.row.items() if name not in ("studies", "sites")}

    with store.transaction():
        keys.put(store, row)

    assert keys.principal(store, made.text, NOW) == Principal(
        name="key:ada", scopes=frozenset({READ})
    )


def test_a_key_that_an_earlier_release_stored_opens_what_it_did(store_url):
    made = keys.make("ada", (READ, WRITE), now=NOW, days=10)
    with engine(store_url).begin() as connection:
        command.upgrade(schema.config([schema.HUB], connection), "hub_0024")
    before = session(store_url)
    row = made.row | {"hash": bytes.fromhex(made.row["hash"])}
    names = ("id", "name", "hash", "scopes", "made_at", "expires_at")
    before.run(
        f"insert into api_key({', '.join(names)}) values(?, ?, ?, ?, ?, ?)",
        tuple(row[name] for name in names),
    )
    before.close()

    schema.upgrade(store_url, [schema.HUB])

    after = session(store_url)
    found = keys.principal(after, made.text, NOW)
    after.close()
    assert found == Principal(name="key:ada", scopes=frozenset({READ, WRITE}))


def test_whoever_has_the_name_of_another_key_has_their_own_studies(store):
    stored(store, studies=[STUDY])
    stored(store, READ, PHI)
    stored(store, name="bob")

    found = keys.holders(store, "ada", NOW)

    assert {one.studies for one in found} == {None, frozenset({STUDY})}
    assert keys.holders(store, "ada", NOW + 11 * keys.DAY) == []


@pytest.mark.parametrize(
    ("wide", "narrow", "does"),
    [
        ({}, {}, True),
        ({}, {"studies": {STUDY}}, True),
        ({"studies": {STUDY}}, {}, False),
        ({"studies": {STUDY, OTHER}}, {"studies": {STUDY}}, True),
        ({"studies": {STUDY}}, {"studies": {STUDY, OTHER}}, False),
        ({"studies": {STUDY}, "sites": {SITE}}, {"studies": {STUDY}}, False),
        ({"studies": {STUDY}}, {"studies": {STUDY}, "sites": {SITE}}, True),
        ({"studies": set()}, {"studies": {STUDY}}, False),
    ],
)
def test_who_may_see_all_that_another_may(wide, narrow, does):
    def principal(grants):
        found = {name: frozenset(ids) for name, ids in grants.items()}
        return Principal(name="x", scopes=frozenset({READ}), **found)

    assert covers(principal(wide), principal(narrow)) is does
