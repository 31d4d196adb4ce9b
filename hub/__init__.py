"""The canonical model and its truth: identity, survivorship, versions, audit. Knows no HL7."""
