"""Where a source's words meet canonical words: the mapping language and its library."""
