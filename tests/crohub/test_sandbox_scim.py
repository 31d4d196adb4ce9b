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


ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def lock(user, employee):
    target = {"do": "deactivate", "user": user, "employee": employee}
    return Delivery(id="1", stream="Users", body=b"", media="application/json", target=target)


def test_of_two_accounts_of_one_person_that_of_the_ended_job_is_locked(ours, directory):
    directory.put("u240", **{ENTERPRISE: {"employeeNumber": "E411"}})
    directory.put("u7", **{ENTERPRISE: {"employeeNumber": "E918"}})

    [receipt] = ours.push([lock("u240", "E918")])

    assert (receipt.outcome, receipt.native_id) == ("delivered", "u7")
    assert [directory.users[one]["active"] for one in ("u240", "u7")] == [True, False]


def test_an_account_that_says_no_number_is_taken_at_its_id(ours, directory):
    [receipt] = ours.push([lock("u7", "E918")])

    assert (receipt.outcome, directory.users["u7"]["active"]) == ("delivered", False)


@pytest.mark.parametrize("also", [(), ("u8", "u9")], ids=["none", "two"])
def test_where_the_account_of_a_job_is_not_one_nothing_is_locked(ours, directory, also):
    directory.put("u7", **{ENTERPRISE: {"employeeNumber": "E411"}})
    for one in also:
        directory.put(one, **{ENTERPRISE: {"employeeNumber": "E918"}})

    [receipt] = ours.push([lock("u7", "E918")])

    assert receipt.outcome == "refused"
    assert f"{len(also)} accounts" in receipt.detail
    assert all(one["active"] for one in directory.users.values())
