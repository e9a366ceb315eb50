"""How the schema came to be, one step a file in `versions`. Known here by name so that most starts need no Alembic."""

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008")
"""Every revision this program knows, oldest first."""

HEAD = REVISIONS[-1]
