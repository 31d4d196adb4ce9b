"""What the settings and the check of every connector must keep."""

from __future__ import annotations

from pydantic import SecretStr, ValidationError

from connectors.promises.promise import promise
from connectors.protocol import Connector, Health


class CheckPromises:
    """Fixtures: `connector`, whose system answers, and `down`, whose system does not."""

    def test_a_system_that_answers_is_well(self, connector: Connector) -> None:
        health = connector.check()
        promise(type(health) is Health and health.ok, f"check says {health}")

    def test_a_system_that_is_down_is_an_answer(self, down: Connector) -> None:
        health = down.check()
        promise(not health.ok, "nobody is there, yet check says it is well")
        promise(health.detail, "check does not say what is wrong")

    def test_a_check_again_is_the_same_answer(self, connector: Connector) -> None:
        promise(connector.check().ok == connector.check().ok, "a check changes the next one")

    def test_settings_do_not_change(self, connector: Connector) -> None:
        name = next(iter(type(connector).model_fields), "stream")
        try:
            setattr(connector, name, getattr(connector, name, None))
        except (ValidationError, AttributeError):
            return
        raise AssertionError(f"the setting {name} can be changed; settings are frozen")

    def test_a_setting_nobody_knows_is_refused(self, connector: Connector) -> None:
        settings = {name: getattr(connector, name) for name in type(connector).model_fields}
        try:
            type(connector)(**settings | {"no_such_setting": 1})
        except ValidationError as error:
            places = [e["loc"] for e in error.errors()]
            promise(places == [("no_such_setting",)], f"refused for {places}")
            return
        raise AssertionError("the setting no_such_setting is taken without a word")

    def test_secrets_are_never_shown(self, connector: Connector) -> None:
        for name in type(connector).model_fields:
            value = getattr(connector, name)
            if isinstance(value, SecretStr):
                hidden = value.get_secret_value() not in repr(connector)
                promise(hidden, f"the secret {name} is in the repr")
            named = any(word in name for word in ("password", "secret", "token", "private_key"))
            promise(
                not named or not isinstance(value, str | bytes),
                f"{name} sounds like a secret and is plain text; declare it a Secret",
            )
