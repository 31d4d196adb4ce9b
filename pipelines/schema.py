"""The migrations of the pipelines' tables: the journal, and what stands beside the hub's."""

from pathlib import Path

from hub.schema import Branch

_ROOT = Path(__file__).parent / "migrations"

JOURNAL = Branch(label="journal", scripts=_ROOT / "journal", head="journal_0008")
QUEUE = Branch(label="queue", scripts=_ROOT / "queue", head="queue_0003")
