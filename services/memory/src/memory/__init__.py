"""The authoritative state of every user, in a database that only this service opens."""
