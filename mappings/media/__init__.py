"""How each wire format is read and addressed: HL7 paths, JMESPath, XPath, column names."""
