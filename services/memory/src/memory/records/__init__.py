"""The rows of each table, read and written. Plain functions on a connection; every statement is built once."""
