"""A memory that writes as fast as it can, until somebody pulls the plug: `python -m support.power_writer URL FD`.

For each line that it reads it makes a process with the modules loaded already, and says its pid; that one says on FD which ids
it was promised.
"""

import asyncio
import os
import sys

from memory.adapters.remembered_post import RememberedPost
from memory.app import answers, opened
from memory.settings import MemorySettings
from shared.contract.memory import SEND_MESSAGE, SendMessage
from shared.contract.state import CREATE_TASK, CreateTask
from shared.errors import Busy

CLIENTS = 8


async def write(url: str, fd: int) -> None:
    """Several clients, each with its own requests one after the other; what is refused for now is repeated under its key."""
    settings = MemorySettings(database_url=url, open_generations=1_000_000, user_concurrency=1_000_000, audit_anchor="")
    async with opened(settings, RememberedPost()) as (ledger, store), asyncio.TaskGroup() as clients:
        handlers = {answer.call.name: answer.handler for answer in answers(ledger, store)}

        async def patiently(call: object, question: object) -> object:
            while True:
                try:
                    return await handlers[call.name](question)
                except Busy:
                    await asyncio.sleep(0.05)

        async def client(user: str) -> None:
            for number in range(1_000_000):
                key = f"{os.getpid()}-{number}"
                sent = await patiently(SEND_MESSAGE, SendMessage(user=user, text=f"{key} " * 50, client_message_id=key))
                os.write(fd, f"message {sent.message_id}\n".encode())
                task = await patiently(CREATE_TASK, CreateTask(user=user, title=key, operation_id=key))
                os.write(fd, f"task {task.id}\n".encode())

        for number in range(CLIENTS):
            clients.create_task(client(f"u{number}"))


def main() -> None:
    """Makes one process after the other."""
    url, fd = sys.argv[1], int(sys.argv[2])
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            asyncio.run(write(url, fd))
            os._exit(0)
        os.write(fd, f"pid {child}\n".encode())
        os.waitpid(child, 0)
        os.write(fd, b"gone\n")


if __name__ == "__main__":
    main()
