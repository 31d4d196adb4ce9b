"""The page about the mapping language tells the truth: its examples run, its lists are whole."""

import json
import re
from pathlib import Path

import pytest

from mappings import language, outbound_language, transforms
from mappings.code_tables import load_codes
from mappings.collection import load
from mappings.mistakes import Mistakes
from mappings.plain import plain_meaning
from mappings.rules import _COMMON
from mappings.setting import Setting

PAGE = (Path(__file__).parents[2] / "docs" / "mapping-language.md").read_text("utf-8")


def blocks(kind):
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("text", blocks("yaml"))
def test_every_example_loads(text, tmp_path):
    path, mistakes, setting = tmp_path / "m.yaml", Mistakes(), Setting(codes=load_codes())
    path.write_text(text)
    read = outbound_language.read_outgoing if "\nwrites:" in text else language.read_spec

    spec = read(path, "m", setting, mistakes)

    assert [str(one) for one in mistakes.found] == []
    assert spec is not None


def test_the_first_example_means_what_the_page_says(tmp_path, record):
    (tmp_path / "m.yaml").write_text(blocks("yaml")[0])
    understand = load(tmp_path / "m.yaml", codes=load_codes())

    meaning = understand(record(blocks("hl7")[0].replace("\n", "\r")))

    assert plain_meaning(meaning) == json.loads(blocks("json")[0])


def test_every_transform_is_on_the_page():
    rows = PAGE.partition("## Transforms")[2].partition("\n## ")[0].splitlines()

    named = [name for row in rows for name in re.findall(r"`([^`]+)`", row.split(" | ")[0])]
    told = {name.split()[0] for name in named}

    assert transforms.TRANSFORMS.keys() <= told


def test_every_key_is_on_the_page():
    told = set(re.findall(r"`([a-z_]+)[:`]", PAGE))
    keys = {*language._TOP, *language._THING, *_COMMON, *outbound_language._TOP}
    keys |= {key for body in outbound_language._BODY.values() for key in body}

    assert keys <= told
