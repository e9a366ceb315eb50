# pyright: basic, reportMissingImports=false

"""The same work in DBOS, in a process and an environment of its own: `python workflow_dbos.py FILE`; figures as JSON.

Its system database is SQLite, as an installation without PostgreSQL would have it, with a write-ahead log.
"""

import json
import os
import sqlite3
import statistics
import sys
import time

from dbos import DBOS, SetWorkflowID

FILE = sys.argv[1]
DBOS(config={"name": "bench", "system_database_url": f"sqlite:///{FILE}", "run_admin_server": False, "log_level": "ERROR"})


@DBOS.step()
def step(number: int) -> int:
    return number


@DBOS.workflow()
def steps(count: int) -> int:
    for number in range(count):
        step(number)
    return count


@DBOS.workflow()
def waiter() -> float:
    DBOS.recv("go", timeout_seconds=600)
    return time.time()


def alone(count: int, runs: int) -> list[float]:
    """Milliseconds of one workflow after the other."""
    took = []
    for _ in range(runs):
        began = time.perf_counter()
        steps(count)
        took.append(1000 * (time.perf_counter() - began))
    return took


def together(count: int, seconds: float) -> float:
    """Workflows per second, with as many under way as its threads take."""
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        for handle in [DBOS.start_workflow(steps, count) for _ in range(50)]:
            handle.get_result()
        done += 50
    return done / (time.perf_counter() - began)


def events(waiting: int, runs: int) -> list[float]:
    """Milliseconds from an event until the workflow goes on, with others waiting too."""
    for number in range(waiting):
        with SetWorkflowID(f"other-{number}"):
            DBOS.start_workflow(waiter)
    took = []
    for number in range(runs):
        with SetWorkflowID(f"w-{number}"):
            handle = DBOS.start_workflow(waiter)
        time.sleep(0.05)
        began = time.time()
        DBOS.send(f"w-{number}", 1, topic="go")
        took.append(1000 * (handle.get_result() - began))
    for number in range(waiting):
        DBOS.send(f"other-{number}", 1, topic="go")
    return took


def main() -> None:
    """Everything, once."""
    quick = "--quick" in sys.argv
    DBOS.launch()
    with sqlite3.connect(FILE) as database:
        database.execute("PRAGMA journal_mode=WAL")
    alone(1, 20)
    figures = {
        "one step": statistics.median(alone(1, 50 if quick else 200)),
        "five steps": statistics.median(alone(5, 30 if quick else 100)),
        "100 steps": statistics.median(alone(100, 3 if quick else 10)),
        "per second": together(1, 3 if quick else 10),
        "event": statistics.median(events(20, 10 if quick else 20)),
    }
    print(json.dumps(figures), flush=True)
    os._exit(0)  # its threads would wait for what nobody sends any more


if __name__ == "__main__":
    main()
