"""What those who run trials ask: one file a view."""
