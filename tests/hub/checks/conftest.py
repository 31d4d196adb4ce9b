"""Checks over a store of small statements, each told as a system would."""

from __future__ import annotations

import shutil
from datetime import date

import pytest

from hub.checks import CHECKS
from hub.checks.look import Look
from hub.policy import Policy, System
from hub.reader import Reader
from tests.hub.conftest import BASE, _empty

TODAY = date(2026, 3, 12)
ROLES = ("EHR", "EDC", "CTMS", "HR", "IRB", "EREG", "TRAINING", "ETMF", "ERP", "REGISTRY")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.faults)])
def hub_url(request, tmp_path):
    """Every test on SQLite, and with the long ones on PostgreSQL; `test_on_postgresql` has all
    checks run there each time."""
    if request.param == "postgresql":
        address = request.getfixturevalue("postgres_hub")
        _empty(address)
        return address
    shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "hub.db")
    return f"sqlite:///{tmp_path / 'hub.db'}"


@pytest.fixture
def context(context):
    """Each role is played by a system of its name, and the CTMS by a second."""
    systems = {role.lower(): System(role.lower(), role) for role in ROLES}
    context.policy = Policy(systems=systems | {"register": System("register", "CTMS")})
    return context


@pytest.fixture
def found(context, store, keyring):
    """What a check finds in the whole store: its discrepancies, in order of kind and sentence."""

    def look(name, *, today=TODAY, **tolerances):
        check = CHECKS[name]
        made = Look(
            reader=Reader(store, keyring, lambda *_: None, context.policy),
            today=today,
            now=BASE,
            studies=[row[0] for row in store.all("select id from study")],
            people=[row[0] for row in store.all("select id from person")],
            tolerances={**check.tolerances, **tolerances},
        )
        return sorted(check.find(made), key=lambda one: (one.kind, one.sentence))

    return look
