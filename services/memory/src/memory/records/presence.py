"""Open streams and sockets, as the gateways last reported them."""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, delete, select

from memory.clock import micros, moment
from memory.machinery import gateways, sessions
from memory.records.prepared import rows, run, run_all
from memory.records.upserts import upsert
from shared.contract.memory import PresenceChange
from shared.contract.objects import Session

_REPORTED = upsert(gateways, ["id"], ["last_report"])
_OPENED = upsert(sessions, ["id"], ["gateway_id", "user_id", "device", "connected_at"])
_CLOSED = delete(sessions).where(sessions.c.id == bindparam("session"))
_ACTIVE = (
    select(sessions, gateways.c.last_report)
    .join(gateways, gateways.c.id == sessions.c.gateway_id)
    .where(sessions.c.user_id == bindparam("user"), gateways.c.last_report >= bindparam("since"))
    .order_by(sessions.c.connected_at, sessions.c.id)
    .limit(bindparam("limit"))
)
_SILENT = select(gateways.c.id).where(gateways.c.last_report < bindparam("before")).limit(1)
_FORGET = delete(gateways).where(gateways.c.last_report < bindparam("before"))


def report(connection: Connection, gateway: str, changes: Sequence[PresenceChange], at: int) -> None:
    """This gateway is alive, and this has changed at it."""
    run(connection, _REPORTED, {"id": gateway, "last_report": at})
    opened = [_row(gateway, change) for change in changes if change.active]
    run_all(connection, _OPENED, opened)
    closed = [{"session": change.session_id} for change in changes if not change.active]
    run_all(connection, _CLOSED, closed)


def _row(gateway: str, change: PresenceChange) -> dict[str, object]:
    return {
        "id": change.session_id,
        "gateway_id": gateway,
        "user_id": change.user,
        "device": change.device,
        "connected_at": micros(change.connected_at),
    }


def active(connection: Connection, user: str, since: int, limit: int) -> list[Session]:
    """This user's sessions at gateways that have reported since then."""
    found = rows(connection, _ACTIVE, {"user": user, "since": since, "limit": limit})
    return [
        Session(
            session_id=row.id,
            device=row.device,
            connected_at=moment(row.connected_at),
            last_seen=moment(row.last_report),
            active=True,
        )
        for row in found
    ]


def any_silent(connection: Connection, before: int) -> bool:
    """Whether a gateway has not reported since then."""
    return bool(rows(connection, _SILENT, {"before": before}))


def forget_silent(connection: Connection, before: int) -> None:
    """Forgets gateways that have not reported since then, with their sessions."""
    run(connection, _FORGET, {"before": before})
