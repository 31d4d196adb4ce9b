"""The staff's accounts at the institution's identity provider. Nobody there hears of leavers: an
account stays open until somebody locks it."""

from __future__ import annotations

from crohub.sandbox.news import News
from crohub.sandbox.people import DEPARTMENTS, Employee
from crohub.sandbox.scim import Directory, Row
from crohub.sandbox.world import World

_CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
_ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def fill(directory: Directory, world: World, news: News) -> None:
    """An account for everybody who ever worked here; what is new of one is written."""
    for one in world.employees.values():
        row = account(one)
        if news.is_new(row, one.id):
            opened = {} if account_id(one.id) in directory.users else {"active": True}
            directory.put(account_id(one.id), **row, **opened)


def account_id(employee: str) -> str:
    """The provider's id of an employee's account."""
    return f"2819c223-7f76-453a-919d-{int(employee[1:]):012d}"


def account(one: Employee) -> Row:
    """What an account says of its owner."""
    return {
        "schemas": [_CORE, _ENTERPRISE],
        "userName": one.email.partition("@")[0],
        "name": {"familyName": one.family, "givenName": one.given},
        "emails": [{"value": one.email, "type": "work", "primary": True}],
        "title": one.job,
        _ENTERPRISE: {"employeeNumber": one.id, "department": DEPARTMENTS[one.department]},
    }
