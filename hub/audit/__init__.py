"""Who did or saw what and why: chained entries, heads signed and kept outside, export and proof."""

from __future__ import annotations

from hub.audit.chain import LONGEST, Entry, append, broken, link, version_text

__all__ = ["LONGEST", "Entry", "append", "broken", "link", "version_text"]
