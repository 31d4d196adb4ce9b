"""The packaged SCIM mappings: who an account belongs to, and when it is locked."""

import json
from dataclasses import dataclass, field

import pytest

from mappings.code_tables import load_codes
from mappings.collection import load_library
from mappings.outbound import Wait, outbound
from mappings.setting import Setting

CODES = load_codes()
LIBRARY = load_library(codes=CODES, packaged=True)


@dataclass
class Shown:
    """A record as a pipeline would show it."""

    fields: dict = field(default_factory=dict)
    refs: dict = field(default_factory=dict)
    key: str | None = None
    id: str = "0198-1"

    def get(self, name):
        return self.fields.get(name)

    def follow(self, step):
        return self.refs.get(step)

    def identifiers(self, type):
        return []

    def native_key(self):
        return self.key


def told(name, view):
    return outbound(LIBRARY.outbound[name], Setting(codes=CODES)).render(
        view, delivery_id="D1", now=None
    )


def test_a_private_address_is_nobodys_institutional_one(record):
    body = {"id": "1", "userName": "u", "emails": [{"value": "x@home.example", "type": "home"}]}
    meaning = LIBRARY.reader(["scim/person"])(record(json.dumps(body), "application/json"))

    assert "email" not in meaning.statements[0].fields
    assert [one.type for one in meaning.statements[0].identifiers] == ["username"]


def test_a_group_is_no_account(record):
    body = {"id": "1", "displayName": "staff", "members": [{"value": "2"}]}
    reader = LIBRARY.reader(["scim/person", "scim/account", "scim/employment"])

    assert reader(record(json.dumps(body), "application/json")).statements == ()


def test_an_account_is_locked_when_it_is_closed_here():
    mapping = outbound(LIBRARY.outbound["scim/account"], Setting(codes=CODES))
    before = Shown({"status": "active"}, key="U1")
    after = Shown({"status": "closed"}, key="U1")

    assert mapping.wants(after, before)
    assert not mapping.wants(before, after)
    assert told("scim/account", after).target == {"do": "deactivate", "user": "U1"}


def test_who_has_left_is_locked_once_the_provider_knows_them():
    ended = {"status": "terminated", "end_on": "2026-03-01", "hr_id": "E305"}

    known = told("scim/leaver", Shown(ended, {"person": Shown(key="U7")}))

    assert known.target == {"do": "deactivate", "user": "U7", "employee": "E305"}
    assert isinstance(told("scim/leaver", Shown(ended, {"person": Shown()})), Wait)


@pytest.mark.parametrize("status", ["active", "leave", "contingent"])
def test_who_is_still_employed_keeps_the_account(status):
    mapping = outbound(LIBRARY.outbound["scim/leaver"], Setting(codes=CODES))

    assert not mapping.wants(Shown({"status": status}), Shown({"status": "terminated"}))
