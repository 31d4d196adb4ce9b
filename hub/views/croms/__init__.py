"""What those who answer for all research of an institution ask: one file a view."""
