"""Somebody leaves: the account is locked at the identity provider that knows the person."""

from __future__ import annotations

import pytest

from hub.statement import Identifier, Ref, Stated
from tests.connectors.web import scim_provider

CONNECTION = """connector: scim
system: directory
role: HR
settings:
  base_url: {url}/v2
  auth: {{kind: none}}
"""
EMAIL = (Identifier("email_institutional", "r.hollis@u.example"),)


@pytest.fixture
def provider(small_outward):
    made = scim_provider.provider()
    made.web.start()
    said = CONNECTION.format(url=made.web.url)
    small_outward.write(connections__directory=said)
    yield made
    made.web.stop()


def employed(status):
    person = Stated(entity="Person", key="E1", fields={"family_name": "Hollis"}, identifiers=EMAIL)
    fields = {"person": Ref("Person", "E1"), "status": status}
    return person, Stated(entity="Employment", key="E1", fields=fields)


def test_who_has_left_according_to_hr_is_locked_at_the_provider(small_outward, provider):
    user = provider.hire("rhollis")
    small_outward.tell(mapping="scim/leaver", to="directory")
    deliverer = small_outward.deliverer()
    small_outward.say(*employed("active"), system="workday")
    small_outward.say(
        Stated(entity="Person", key=user, fields={"given_name": "Rowan"}, identifiers=EMAIL),
        system="directory",
    )
    small_outward.run(deliverer)
    before = provider.user(user)["active"]

    small_outward.say(*employed("terminated"), system="workday")
    small_outward.run(deliverer)

    assert (before, provider.user(user)["active"]) == (True, False)
    assert small_outward.rows("state, native_id") == [("delivered", user)]


def test_who_is_not_known_to_the_provider_waits(small_outward, provider):
    user = provider.hire("rhollis")
    small_outward.tell(mapping="scim/leaver", to="directory")
    deliverer = small_outward.deliverer()
    small_outward.say(*employed("active"), system="workday")
    small_outward.say(*employed("terminated"), system="workday")
    small_outward.run(deliverer)

    assert provider.user(user)["active"] is True
    assert small_outward.rows("state") != ["delivered"]
