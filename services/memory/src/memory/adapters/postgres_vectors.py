"""The nearest vectors by pgvector's HNSW index; in half precision, which orders as well, in half the room, up to 4,000 long."""

from collections.abc import Sequence

import numpy as np
from sqlalchemy import BigInteger, Connection, Float, column, text

from memory.adapters.postgres_extensions import extended
from memory.ports import Vector
from memory.records.prepared import rows, run, run_all

MOST_DIMENSIONS = 4_000
_SIZE = text(
    "SELECT a.atttypmod AS size FROM pg_attribute a WHERE a.attrelid = to_regclass('embedding_vectors') AND a.attname = 'near'"
).columns(column("size", BigInteger))
_DROP = text("DROP TABLE IF EXISTS embedding_vectors")
_MADE = (
    "CREATE TABLE embedding_vectors (user_id text NOT NULL, kind integer NOT NULL, seq bigint NOT NULL,"
    " near halfvec({size}) NOT NULL, PRIMARY KEY (user_id, kind, seq),"
    " FOREIGN KEY (user_id, kind, seq) REFERENCES embeddings ON DELETE CASCADE)"
)
_INDEX = text("CREATE INDEX embedding_vectors_near ON embedding_vectors USING hnsw (near halfvec_ip_ops)")
_PUT = text(
    "INSERT INTO embedding_vectors (user_id, kind, seq, near)"
    " VALUES (:user, :kind, :seq, CAST(CAST(:near AS text) AS halfvec))"
    " ON CONFLICT (user_id, kind, seq) DO UPDATE SET near = EXCLUDED.near"
)
# Otherwise a filter is applied to the 40 nearest of all users, of whom this one may have none.
_ITERATE = text("SET LOCAL hnsw.iterative_scan = strict_order")
_NEAREST = text(
    "SELECT kind, seq, -(near <#> CAST(CAST(:near AS text) AS halfvec)) AS likeness FROM embedding_vectors"
    " WHERE user_id = :user ORDER BY near <#> CAST(CAST(:near AS text) AS halfvec) LIMIT :limit"
).columns(column("kind", BigInteger), column("seq", BigInteger), column("likeness", Float))


class PostgresVectors:
    """See `ports.Vectors`. The table is as wide as the first vector it is given."""

    def put(self, connection: Connection, vectors: Sequence[Vector]) -> None:
        """See `ports.Vectors.put`."""
        if not vectors or not self._fits(connection, len(vectors[0].vector) // 4):
            return
        values = [{"user": one.user, "kind": one.kind, "seq": one.seq, "near": _written(one.vector)} for one in vectors]
        run_all(connection, _PUT, values)

    def _fits(self, connection: Connection, size: int) -> bool:
        if self._size(connection) == size:
            return True
        if size > MOST_DIMENSIONS or not extended(connection, "vector"):
            return False
        if self._size(connection) != size:
            run(connection, _DROP, {})
            run(connection, text(_MADE.format(size=size)), {})
            run(connection, _INDEX, {})
        return True

    def _size(self, connection: Connection) -> int:
        found = rows(connection, _SIZE, {})
        return found[0].size if found else 0

    def nearest(self, connection: Connection, user: str, vector: bytes, limit: int) -> list[tuple[int, int, float]] | None:
        """See `ports.Vectors.nearest`."""
        if self._size(connection) != len(vector) // 4:
            return None
        run(connection, _ITERATE, {})
        found = rows(connection, _NEAREST, {"user": user, "near": _written(vector), "limit": limit})
        return [(one.kind, one.seq, one.likeness) for one in found]


def _written(vector: bytes) -> str:
    return "[" + ",".join(f"{value:.5g}" for value in np.frombuffer(vector, dtype="<f4")) + "]"
