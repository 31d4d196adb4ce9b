"""The canonical records as FHIR R4 and R5, to read and to search."""
