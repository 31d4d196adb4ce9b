"""Views: questions that people ask again and again, each one SELECT over the canonical tables."""
