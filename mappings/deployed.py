"""The mappings a deployment works with: the packaged library and its own on top."""

from __future__ import annotations

from pathlib import Path

from mappings.code_tables import load_codes
from mappings.collection import Library, load_library


def deployed(folder: Path) -> Library:
    """Code tables and mappings of the deployment in `folder`, over the packaged ones. Raises
    MappingErrors with every mistake."""
    own_codes, own_mappings = folder / "codes", folder / "mappings"
    codes = load_codes(*([own_codes] if own_codes.is_dir() else []))
    folders = [own_mappings] if own_mappings.is_dir() else []
    return load_library(*folders, codes=codes, packaged=True)
