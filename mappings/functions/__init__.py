"""Functions for what a table of paths cannot say, named in mappings as `call: module.function`."""
