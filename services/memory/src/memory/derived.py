"""Tables that are made from the others and can be made again: what search, recall and the archive go by."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, PrimaryKeyConstraint, Table, Text

derived = MetaData()

MESSAGE, NOTE = 0, 1
"""The kinds of what can be found. A thing has a kind and its row's number (`seq`) in its own table."""

SHADOWS = ("search_words", "search_parts", "search_documents", "embedding_vectors")
"""How the names of tables begin that are of one database only: FTS5's on SQLite, the documents on PostgreSQL."""

# What has changed and is not in the index yet, written by triggers. `old` is the text that the index knows it by.
search_queue = Table(
    "search_queue",
    derived,
    Column("kind", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("user_id", Text, nullable=False),
    # With `old`, the conversation that the index knows it in.
    Column("conversation_id", Text),
    Column("old", Text),
    Column("old_packed", LargeBinary),
    # In this order: the newest are taken first.
    PrimaryKeyConstraint("seq", "kind"),
    Index("search_queue_by_user", "user_id"),
)

search_users = Table(
    "search_users",
    derived,
    Column("user_id", Text, primary_key=True),
    # What stands for the user in the rowids of the index on SQLite.
    Column("number", BigInteger, nullable=False),
    Index("search_users_by_number", "number", unique=True),
)

embed_queue = Table(
    "embed_queue",
    derived,
    Column("kind", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    # In this order: the newest are taken first.
    PrimaryKeyConstraint("seq", "kind"),
)

embeddings = Table(
    "embeddings",
    derived,
    Column("user_id", Text, nullable=False),
    Column("kind", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    # float32, little-endian, of length one.
    Column("vector", LargeBinary, nullable=False),
    PrimaryKeyConstraint("user_id", "kind", "seq"),
)

# How far the work in the background is.
chores = Table(
    "chores",
    derived,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
