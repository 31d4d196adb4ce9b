"""How to speak to an outside system: bytes, protocol, paging, sign-in, errors. Knows no Study."""
