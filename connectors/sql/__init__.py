"""A SQL database: tables read by what changed or whole, and written by upsert."""

from __future__ import annotations

from connectors.sql.connector import Sql

__all__ = ["Sql"]
