"""Every setting says what it is in its connector's JSON schema, in one short sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from connectors import registry

CONNECTORS = registry.names()
LONGEST = 120  # characters: a line of a terminal
_ONE_SENTENCE = re.compile(r"(?!.*(?<!e\.g)[.!?] [A-Z])\S.*\S\.")


def properties(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each setting as `Model.setting`, with what the schema says of it."""
    schema = registry.find(name).model_json_schema()
    for model, said in ((name, schema), *schema.get("$defs", {}).items()):
        for setting, about in said.get("properties", {}).items():
            yield f"{model}.{setting}", about


def test_the_connectors_are_found() -> None:
    """Without one, the tests below would hold of nothing."""
    assert {"files", "hl7v2", "rest", "sql"} <= set(CONNECTORS)


@pytest.mark.parametrize("name", CONNECTORS)
def test_every_setting_is_described(name: str) -> None:
    unsaid = [where for where, about in properties(name) if not about.get("description")]
    assert unsaid == []


@pytest.mark.parametrize("name", CONNECTORS)
def test_a_description_is_one_short_sentence(name: str) -> None:
    said = {where: about.get("description", "") for where, about in properties(name)}
    assert said, f"{name} has no settings"
    wrong = {
        where: text
        for where, text in said.items()
        if len(text) > LONGEST or not _ONE_SENTENCE.fullmatch(text)
    }
    assert wrong == {}


@pytest.mark.parametrize(
    "text", ["", "Bytes", "Bytes of a body. More are refused.", "Bytes? No.\nSeconds."]
)
def test_what_is_no_one_sentence_is_seen(text: str) -> None:
    assert not _ONE_SENTENCE.fullmatch(text)
