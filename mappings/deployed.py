"""The mappings a deployment works with: the packaged library and its own on top."""

from __future__ import annotations

from pathlib import Path

from mappings.code_tables import CodeTables, load_codes
from mappings.collection import Library, load_library


def deployed(folder: Path) -> Library:
    """Code tables and mappings of the deployment in `folder`, over the packaged ones. Raises
    MappingErrors with every mistake."""
    own = folder / "mappings"
    folders = [own] if own.is_dir() else []
    return load_library(*folders, codes=codes_of(folder), packaged=True)


def codes_of(folder: Path) -> CodeTables:
    """The code tables alone. Raises MappingErrors with every mistake."""
    own = folder / "codes"
    return load_codes(*([own] if own.is_dir() else []))
