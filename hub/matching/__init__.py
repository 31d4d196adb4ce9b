"""Probable matches: which two records may be one, and by what evidence. A person decides."""
