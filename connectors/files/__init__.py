"""Folders of files: tables, NDJSON, XML and HL7 batches, read once and in order; tables out."""

from __future__ import annotations

from connectors.files.connector import Files

__all__ = ["Files"]
