"""The W3C trace context in NATS headers: who caused a message can be seen where it is handled."""

import re
from collections.abc import Generator
from contextlib import contextmanager

from opentelemetry import context, trace

from shared import headers

NAME = b"traceparent"
_FORM = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


def current() -> bytes:
    """The header line of the current span; nothing when no span is recorded."""
    span = trace.get_current_span()
    if span is trace.INVALID_SPAN:
        return b""
    of = span.get_span_context()
    return b"%b: 00-%032x-%016x-%02x\r\n" % (NAME, of.trace_id, of.span_id, of.trace_flags)


@contextmanager
def continued(header: bytes | None) -> Generator[None]:
    """What happens inside belongs to the trace that the header names."""
    parent = _FORM.fullmatch(headers.value(header, NAME)) if header else None
    if parent is None:
        yield
        return
    ids = (int(part, 16) for part in parent.groups())
    span = trace.NonRecordingSpan(_remote(*ids))
    token = context.attach(trace.set_span_in_context(span))
    try:
        yield
    finally:
        context.detach(token)


def _remote(trace_id: int, span_id: int, flags: int) -> trace.SpanContext:
    return trace.SpanContext(trace_id, span_id, is_remote=True, trace_flags=trace.TraceFlags(flags))
