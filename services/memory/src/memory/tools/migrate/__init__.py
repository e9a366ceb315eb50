"""`python -P -m memory.tools.migrate --from sqlite:///… --to postgresql://…`: moves everything from one database to another."""
