"""Tables on their way out: NDJSON, CSV, Parquet and workbooks, written piece by piece."""
