"""Measures one answer, and reports it when it has ended."""

from time import perf_counter

import structlog

from inference import metrics
from shared.contract.memory import FinishGeneration

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class Stopwatch:
    """Runs from the order to the end of the answer."""

    def __init__(self) -> None:
        self._began = perf_counter()
        self.first = 0.0
        """When the first token came; 0 before."""

    def token(self) -> None:
        """The first token has come."""
        self.first = perf_counter()

    def report(self, end: FinishGeneration, pieces: int) -> None:
        """Counts an ended answer. Once for each answer, not for each token: a counter costs 1 µs."""
        model, now = end.model or "", perf_counter()
        metrics.GENERATIONS.labels(end.outcome, model).inc()
        metrics.TOKENS.labels(model).inc(pieces)
        if end.outcome == "failed" and end.error is not None:
            metrics.FAILURES.labels(end.error.code).inc()
        if self.first:
            metrics.FIRST_TOKEN.labels(model).observe(self.first - self._began)
        if pieces > 1 and now > self.first:
            metrics.SPEED.labels(model).observe((pieces - 1) / (now - self.first))
        log.info(
            "generation.ended",
            outcome=end.outcome,
            generation=end.generation_id,
            epoch=end.epoch,
            model=model,
            tokens=pieces,
            seconds=round(now - self._began, 3),
            code=end.error.code if end.error else None,
        )
