"""The pages about the model are those that the model writes."""

from pathlib import Path

from hub.model.pages import pages, write
from hub.model.spec import entities

DOCS = Path(__file__).parents[2] / "docs" / "model"


def test_the_committed_pages_are_current():
    committed = {path.name: path.read_text(encoding="utf-8") for path in DOCS.glob("*.md")}

    assert committed == pages(), "run: python -m hub.model.pages"


def test_every_field_and_state_is_on_its_page():
    written = pages()

    for spec in entities().values():
        page = written[spec.table.name.replace("_", "-") + ".md"]
        assert all(f"`{field}`" in page for field in spec.fields)
        assert all(f"`{kind}`" in page for kind in spec.identifiers)


def test_the_first_page_has_each_entity_in_one_chapter_with_its_address():
    chapters = pages()["README.md"].split("\n## ")[1:]

    for spec in entities().values():
        found = [c for c in chapters if f"| [{spec.name}](" in c]
        assert len(found) == 1, spec.name
        assert f"`/api/v1/{spec.plural}`" in found[0]
    drawings = [chapter for chapter in chapters if "erDiagram" in chapter]
    assert len(drawings) >= 8
    assert all("erDiagram\n    " in drawing for drawing in drawings), "a drawing of nothing"


def test_a_reference_within_a_chapter_is_drawn_there():
    [money] = [c for c in pages()["README.md"].split("\n## ") if c.startswith("Contracts and mo")]

    assert 'Invoice |o--o{ InvoiceLine : "invoice"' in money
    assert 'ParticipantVisit |o--o{ Receivable : "participant_visit"' in money
    assert 'Study |o--o{ Receivable : "study"' not in money


def test_a_table_row_has_as_many_cells_as_its_head():
    for page in pages().values():
        for block in page.split("\n\n"):
            rows = [line for line in block.splitlines() if line.startswith("|")]
            cells = {row.replace("\\|", "").count("|") for row in rows}
            assert len(cells) <= 1


def test_writing_removes_the_page_of_an_entity_that_is_gone(tmp_path):
    (tmp_path / "former.md").write_text("")

    write(tmp_path)

    assert {path.name for path in tmp_path.iterdir()} == set(pages())
