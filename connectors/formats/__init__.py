"""Wire formats: reading and writing bytes, without a network and without a meaning."""
