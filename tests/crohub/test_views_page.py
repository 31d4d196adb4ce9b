"""The page about the views agrees with the views, and every function is served and fed."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from crohub import views_page
from hub.views.catalogue import views
from hub.views.view import Function
from mappings.code_tables import load_codes
from mappings.collection import load_library

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def library():
    return load_library(codes=load_codes(), packaged=True)


def test_the_committed_page_is_current():
    told = "run: python -m crohub.views_page"
    assert (ROOT / views_page.PAGE).read_text() == views_page.page(), told


def test_there_are_thirty():
    families = [view.family for view in views().values()]

    assert (families.count("ctms"), families.count("croms")) == (14, 16)


@pytest.mark.parametrize("function", get_args(Function))
def test_every_function_is_served_and_fed(function, library):
    serving = [view for view in views().values() if function in view.functions]

    assert serving
    assert views_page.sources(library, {entity for view in serving for entity in view.entities})


@pytest.mark.parametrize("name", list(views()))
def test_a_view_says_what_it_is_made_of(name, library):
    """Every kind of record has a source, and every column words."""
    view = views()[name]

    for entity in view.entities:
        assert views_page.sources(library, {entity}), f"nothing feeds {entity}"
    assert all(column.says for column in view.columns)
    assert view.answers.endswith("?")
    assert view.has("dq_flag")
