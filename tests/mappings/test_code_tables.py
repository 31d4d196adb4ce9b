"""Code tables: what a file may hold, and whose row wins."""

import pytest

from mappings.code_tables import load_codes
from mappings.mistakes import MappingErrors
from mappings.values import UNKNOWN


def tables(tmp_path, *texts, packaged=False):
    folders = []
    for number, text in enumerate(texts):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "t.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
        folders.append(folder)
    return load_codes(*folders, packaged=packaged)


def test_a_site_s_row_wins_over_the_packaged_one_and_adds_to_it(tmp_path):
    codes = tables(tmp_path, "native,canonical\nA,x\nB,y\n", "native,canonical\nB,z\nC,w\n")

    assert codes.get("t").meanings("") == {"A": "x", "B": "z", "C": "w"}


def test_empty_means_nothing_and_null_means_not_known(tmp_path):
    codes = tables(tmp_path, "\ufeffnative,canonical,note\nA,,x\nB,null,\n")

    assert codes.get("t").meanings("") == {"A": None, "B": UNKNOWN}
    assert codes.get("t").canonicals() == {}


def test_the_reverse_takes_the_first_native_code(tmp_path):
    codes = tables(tmp_path, "native,canonical,system\nA,x,\nB,x,\nC,x,here\n")

    assert codes.get("t").natives("") == {"x": "A"}
    assert codes.get("t").natives("here") == {"x": "C"}


@pytest.mark.parametrize(
    ("text", "line", "found"),
    [
        ("native,meaning\nA,x\n", 1, "native, meaning"),
        ("native\nA\n", 1, "native"),
        ("native,canonical,native\n", 1, "native, canonical, native"),
        ("", 1, "none"),
        ("native,canonical\nA,x\nA,y\n", 3, "'A' again"),
        ("native,canonical\nA\n", 2, "1 cells"),
        ("native,canonical\n,x\n", 2, "empty native"),
        (b"native,canonical\n\xff,x\n", 1, "cannot be read"),
        ('native,canonical\n"A,x\n', 1, "cannot be read"),
    ],
)
def test_a_wrong_table_is_told_with_its_line(tmp_path, text, line, found):
    with pytest.raises(MappingErrors) as raised:
        tables(tmp_path, text)

    (mistake,) = raised.value.mistakes
    assert mistake.line == line
    assert found in mistake.found


def test_mistakes_of_all_tables_are_told_at_once(tmp_path):
    with pytest.raises(MappingErrors) as raised:
        tables(tmp_path, "native\n", "canonical\n")

    assert len(raised.value.mistakes) == 2


def test_the_packaged_tables_load():
    assert "administrative-sex" in load_codes().names()
