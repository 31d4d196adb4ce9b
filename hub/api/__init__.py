"""The canonical records over HTTP."""
