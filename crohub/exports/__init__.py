"""One study as a file that other systems read: CDISC ODM and USDM."""
