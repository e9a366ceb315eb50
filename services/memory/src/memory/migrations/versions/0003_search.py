"""Search, embeddings and the archive: what has to be indexed is noted by triggers, and indexed later, in the background."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

# A word index over the rowid `kind << 62 | user << 36 | seq`: what one user has said lies together in it, in order of time.
# Both keep no text of their own. Merging is the indexer's: FTS5's own took 500 ms of a commit now and then.
_SQLITE = (
    """CREATE VIRTUAL TABLE search_words USING fts5(
        place, body, content='', tokenize='unicode61 remove_diacritics 2')""",
    """CREATE VIRTUAL TABLE search_parts USING fts5(
        body, content='', columnsize=0, detail=none, tokenize='trigram')""",
    "INSERT INTO search_words (search_words, rank) VALUES ('automerge', 0)",
    "INSERT INTO search_parts (search_parts, rank) VALUES ('automerge', 0)",
    "INSERT INTO search_words (search_words, rank) VALUES ('crisismerge', 64)",
    "INSERT INTO search_parts (search_parts, rank) VALUES ('crisismerge', 64)",
    """CREATE TRIGGER search_message_new AFTER INSERT ON messages WHEN NEW.text <> '' AND NEW.packed IS NULL
        AND EXISTS (SELECT 1 FROM conversations c WHERE c.id = NEW.conversation_id AND NOT c.temporary)
    BEGIN
        INSERT INTO search_queue (kind, seq, user_id) VALUES (0, NEW.seq, NEW.user_id) ON CONFLICT (kind, seq) DO NOTHING;
    END""",
    """CREATE TRIGGER search_message_moved AFTER INSERT ON messages WHEN NEW.packed IS NOT NULL
        AND EXISTS (SELECT 1 FROM conversations c WHERE c.id = NEW.conversation_id AND NOT c.temporary)
    BEGIN
        INSERT INTO search_queue (kind, seq, user_id) VALUES (0, NEW.seq, NEW.user_id) ON CONFLICT (kind, seq) DO NOTHING;
    END""",
    """CREATE TRIGGER search_message_filled AFTER UPDATE OF text ON messages
        WHEN NEW.text <> '' AND OLD.text = '' AND OLD.packed IS NULL
        AND EXISTS (SELECT 1 FROM conversations c WHERE c.id = NEW.conversation_id AND NOT c.temporary)
    BEGIN
        INSERT INTO search_queue (kind, seq, user_id) VALUES (0, NEW.seq, NEW.user_id) ON CONFLICT (kind, seq) DO NOTHING;
    END""",
    """CREATE TRIGGER search_message_changed AFTER UPDATE OF text ON messages
        WHEN OLD.text <> '' AND NEW.text <> OLD.text AND NEW.packed IS NULL
    BEGIN
        INSERT INTO search_queue (kind, seq, user_id, conversation_id, old)
        SELECT 0, OLD.seq, OLD.user_id, OLD.conversation_id, OLD.text FROM search_users u
        JOIN search_words_docsize d ON d.id = (u.number << 36) | OLD.seq WHERE u.user_id = OLD.user_id
        ON CONFLICT (kind, seq) DO NOTHING;
    END""",
    """CREATE TRIGGER search_message_gone AFTER DELETE ON messages BEGIN
        INSERT INTO search_queue (kind, seq, user_id, conversation_id, old, old_packed)
        SELECT 0, OLD.seq, OLD.user_id, OLD.conversation_id, OLD.text, OLD.packed FROM search_users u
        JOIN search_words_docsize d ON d.id = (u.number << 36) | OLD.seq WHERE u.user_id = OLD.user_id
        ON CONFLICT (kind, seq) DO NOTHING;
    END""",
    """CREATE TRIGGER search_conversation_lasts AFTER UPDATE OF temporary ON conversations
        WHEN OLD.temporary AND NOT NEW.temporary
    BEGIN
        INSERT INTO search_queue (kind, seq, user_id)
        SELECT 0, m.seq, m.user_id FROM messages m
        WHERE m.conversation_id = NEW.id AND (m.text <> '' OR m.packed IS NOT NULL) AND NOT EXISTS (
            SELECT 1 FROM search_users u JOIN search_words_docsize d ON d.id = (u.number << 36) | m.seq
            WHERE u.user_id = m.user_id)
        ON CONFLICT (kind, seq) DO NOTHING;
    END""",
    """CREATE TRIGGER search_note_new AFTER INSERT ON notes BEGIN
        INSERT INTO search_queue (kind, seq, user_id) VALUES (1, NEW.seq, NEW.user_id) ON CONFLICT (kind, seq) DO NOTHING;
    END""",
    """CREATE TRIGGER search_note_changed AFTER UPDATE OF text, title ON notes
        WHEN NEW.text <> OLD.text OR NEW.title IS NOT OLD.title
    BEGIN
        INSERT INTO search_queue (kind, seq, user_id, old)
        SELECT 1, OLD.seq, OLD.user_id, coalesce(OLD.title || char(10), '') || OLD.text FROM search_users u
        JOIN search_words_docsize d ON d.id = (1 << 62) | (u.number << 36) | OLD.seq WHERE u.user_id = OLD.user_id
        ON CONFLICT (kind, seq) DO NOTHING;
    END""",
    """CREATE TRIGGER search_note_gone AFTER DELETE ON notes BEGIN
        INSERT INTO search_queue (kind, seq, user_id, old)
        SELECT 1, OLD.seq, OLD.user_id, coalesce(OLD.title || char(10), '') || OLD.text FROM search_users u
        JOIN search_words_docsize d ON d.id = (1 << 62) | (u.number << 36) | OLD.seq WHERE u.user_id = OLD.user_id
        ON CONFLICT (kind, seq) DO NOTHING;
    END""",
)

# The conflict updates instead of doing nothing: it has to wait for an indexer that holds the row, or its change were lost.
_POSTGRES = (
    """CREATE TABLE search_documents (
        kind smallint NOT NULL, seq bigint NOT NULL, user_id text NOT NULL, conversation_id text,
        words tsvector NOT NULL, parts text NOT NULL, PRIMARY KEY (user_id, kind, seq))""",
    "CREATE INDEX search_documents_words ON search_documents USING gin (words)",
    """CREATE FUNCTION search_later(of_kind integer, of_seq bigint, of_user text) RETURNS void LANGUAGE sql AS $$
        INSERT INTO search_queue (kind, seq, user_id) VALUES (of_kind, of_seq, of_user)
        ON CONFLICT (kind, seq) DO UPDATE SET user_id = EXCLUDED.user_id $$""",
    """CREATE FUNCTION search_message() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF TG_OP = 'DELETE' THEN
            PERFORM search_later(0, OLD.seq, OLD.user_id);
        ELSIF NEW.packed IS NOT NULL AND TG_OP = 'UPDATE' THEN
            RETURN NULL;
        ELSIF (NEW.text <> '' OR NEW.packed IS NOT NULL) AND (TG_OP = 'INSERT' OR NEW.text <> OLD.text)
            AND EXISTS (SELECT 1 FROM conversations c WHERE c.id = NEW.conversation_id AND NOT c.temporary) THEN
            PERFORM search_later(0, NEW.seq, NEW.user_id);
        END IF;
        RETURN NULL; END $$""",
    """CREATE FUNCTION search_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF TG_OP = 'DELETE' THEN
            PERFORM search_later(1, OLD.seq, OLD.user_id);
        ELSE
            PERFORM search_later(1, NEW.seq, NEW.user_id);
        END IF;
        RETURN NULL; END $$""",
    """CREATE FUNCTION search_conversation() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM search_later(0, m.seq, m.user_id) FROM messages m
        WHERE m.conversation_id = NEW.id AND (m.text <> '' OR m.packed IS NOT NULL);
        RETURN NULL; END $$""",
    """CREATE TRIGGER search_message AFTER INSERT OR DELETE OR UPDATE OF text ON messages
        FOR EACH ROW EXECUTE FUNCTION search_message()""",
    """CREATE TRIGGER search_note AFTER INSERT OR DELETE OR UPDATE OF text, title ON notes
        FOR EACH ROW EXECUTE FUNCTION search_note()""",
    """CREATE TRIGGER search_conversation_lasts AFTER UPDATE OF temporary ON conversations
        FOR EACH ROW WHEN (OLD.temporary AND NOT NEW.temporary) EXECUTE FUNCTION search_conversation()""",
)


def upgrade() -> None:
    op.add_column("messages", sa.Column("packed", sa.LargeBinary(), nullable=True))
    op.add_column("conversations", sa.Column("archived_until", sa.BigInteger(), server_default="0", nullable=False))
    op.create_table("search_queue",
    sa.Column("kind", sa.Integer(), nullable=False),
    sa.Column("seq", sa.BigInteger(), nullable=False),
    sa.Column("user_id", sa.Text(), nullable=False),
    sa.Column("conversation_id", sa.Text(), nullable=True),
    sa.Column("old", sa.Text(), nullable=True),
    sa.Column("old_packed", sa.LargeBinary(), nullable=True),
    sa.PrimaryKeyConstraint("seq", "kind")
    )
    op.create_index("search_queue_by_user", "search_queue", ["user_id"], unique=False)
    op.create_table("search_users",
    sa.Column("user_id", sa.Text(), nullable=False),
    sa.Column("number", sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint("user_id")
    )
    op.create_index("search_users_by_number", "search_users", ["number"], unique=True)
    op.create_table("embed_queue",
    sa.Column("kind", sa.Integer(), nullable=False),
    sa.Column("seq", sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint("seq", "kind")
    )
    op.create_table("embeddings",
    sa.Column("user_id", sa.Text(), nullable=False),
    sa.Column("kind", sa.Integer(), nullable=False),
    sa.Column("seq", sa.BigInteger(), nullable=False),
    sa.Column("vector", sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint("user_id", "kind", "seq")
    )
    op.create_table("chores",
    sa.Column("name", sa.Text(), nullable=False),
    sa.Column("value", sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint("name")
    )
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRES:
        op.execute(statement)
    op.execute(
        "INSERT INTO search_queue (kind, seq, user_id) SELECT 0, m.seq, m.user_id FROM messages m"
        " JOIN conversations c ON c.id = m.conversation_id WHERE m.text <> '' AND NOT c.temporary"
    )
    op.execute("INSERT INTO search_queue (kind, seq, user_id) SELECT 1, seq, user_id FROM notes")
