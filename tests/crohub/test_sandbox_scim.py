"""The made-up identity provider and our connector agree: accounts are read, and locked once."""

import pytest

from connectors.record import Delivery
from connectors.scim import Scim
from crohub.sandbox.scim import Directory, scim_server


@pytest.fixture
def directory():
    made = Directory()
    for number in range(1, 251):
        made.put(f"u{number}", userName=f"e{number}", active=True)
    return made


@pytest.fixture
def ours(directory, monkeypatch):
    monkeypatch.setenv("SCIM_TOKEN", directory.token)
    with scim_server(directory) as server:
        yield Scim(
            base_url=f"{server.url}/scim/v2",
            auth={"kind": "bearer", "token": "${env:SCIM_TOKEN}"},
        )


def test_every_account_is_read_page_by_page(ours):
    assert len(list(ours.pull("Users", ""))) == 250


def test_an_account_is_locked_and_its_version_moves_on(ours, directory):
    delivery = Delivery(
        id="1", stream="Users", body=b"", media="application/json",
        target={"do": "deactivate", "user": "u7"},
    )  # fmt: skip

    receipts = [*ours.push([delivery]), *ours.push([delivery])]

    assert [one.outcome for one in receipts] == ["delivered", "delivered"]
    assert directory.users["u7"]["active"] is False
    assert directory.users["u7"]["meta"]["version"] == 'W/"2"'


def test_a_wrong_token_is_not_let_in(ours, directory):
    directory.token = "another"

    assert "HTTP 401" in ours.check().detail
