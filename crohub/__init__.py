"""What a person touches, and where everything is put together."""
