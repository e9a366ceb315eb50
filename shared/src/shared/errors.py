"""The three ways to fail: Refused (trying again is useless), Busy (try later); anything else is a bug.

Each class is one stable code; its docstring is the sentence, its status the one HTTP shows.
"""

from typing import Any, ClassVar

_BY_CODE: dict[str, type["Fault"]] = {}


class Fault(Exception):
    """Something the caller has to know. `details` is JSON-compatible and reaches the client."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500

    def __init__(self, message: str | None = None, **details: Any) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())
        self.details = details

    def __init_subclass__(cls) -> None:
        """Registers the code, so that a reply over the bus becomes the same class again."""
        if "code" in cls.__dict__:
            _BY_CODE[cls.code] = cls


class Refused(Fault):
    """This can't be done."""

    code, status = "refused", 400


class Busy(Fault):
    """This can't be done right now."""

    code, status = "busy", 503

    def __init__(self, message: str | None = None, *, retry_after: float = 1.0, **details: Any) -> None:
        super().__init__(message, **details)
        self.retry_after = retry_after


def fault_of(code: str, message: str, details: dict[str, Any], retry_after: float) -> Fault:
    """The fault that a service reported, as the class it had there; an unknown code becomes Refused."""
    kind = Fault if code == Fault.code else _BY_CODE.get(code, Refused)
    if issubclass(kind, Busy):
        return kind(message, retry_after=retry_after, **details)
    return kind(message, **details)


class Invalid(Refused):
    """The request is not of the right form."""

    code, status = "invalid_request", 422


class Unauthenticated(Refused):
    """Say who you are: a valid token is needed."""

    code, status = "unauthenticated", 401


class Forbidden(Refused):
    """You may not do this."""

    code, status = "forbidden", 403


class NotFound(Refused):
    """There is nothing here."""

    code, status = "not_found", 404


class UnknownConversation(Refused):
    """No such conversation."""

    code, status = "unknown_conversation", 404


class UnknownMessage(Refused):
    """No such message."""

    code, status = "unknown_message", 404


class UnknownGeneration(Refused):
    """No such generation."""

    code, status = "unknown_generation", 404


class UnknownModel(Refused):
    """No such model."""

    code, status = "unknown_model", 404


class ModelRefused(Refused):
    """The model's server refused the request."""

    code, status = "model_refused", 502


class NotInForm(Refused):
    """The model did not answer in the form that was asked for, nor when told what was wrong."""

    code, status = "not_in_form", 502


class ModelBusy(Busy):
    """The model could not answer; try again later."""

    code, status = "model_failed", 503


class UnknownTask(Refused):
    """No such task."""

    code, status = "unknown_task", 404


class UnknownNote(Refused):
    """No such note."""

    code, status = "unknown_note", 404


class UnknownMemory(Refused):
    """No such pinned memory."""

    code, status = "unknown_memory", 404


class UnknownEvent(Refused):
    """No such calendar entry."""

    code, status = "unknown_event", 404


class UnknownPersona(Refused):
    """No such persona."""

    code, status = "unknown_persona", 404


class BuiltIn(Refused):
    """This one is built in and can't be changed; make one of your own."""

    code, status = "built_in", 403


class LimitReached(Refused):
    """There are as many of these as one may have; delete some first."""

    code, status = "limit_reached", 409


class UnknownApproval(Refused):
    """No such approval."""

    code, status = "unknown_approval", 404


class ApprovalDecided(Refused):
    """This was decided already, or is over."""

    code, status = "approval_decided", 409


class ArgumentsChanged(Refused):
    """These are not the arguments that the approval is for."""

    code, status = "arguments_changed", 409


class UnknownTool(Refused):
    """No such tool."""

    code, status = "unknown_tool", 404


class ToolRefused(Refused):
    """This tool may not be called here."""

    code, status = "tool_refused", 403


class UnknownWorkflow(Refused):
    """No such workflow."""

    code, status = "unknown_workflow", 404


class UnknownWorkflowType(Refused):
    """There is no workflow of this type."""

    code, status = "unknown_workflow_type", 422


class WorkflowExists(Refused):
    """There is a workflow with this id already."""

    code, status = "workflow_exists", 409


class WorkflowEnded(Refused):
    """This workflow has ended; it can be restarted."""

    code, status = "workflow_ended", 409


class UnknownTrip(Refused):
    """No such trip."""

    code, status = "unknown_trip", 404


class UnknownFlight(Refused):
    """This trip has no such flight."""

    code, status = "unknown_flight", 404


class FlightChosen(Refused):
    """A flight of this trip was chosen already."""

    code, status = "flight_selected", 409


class WarmOnly(Refused):
    """Work in the background may not do this: it only keeps things warm."""

    code, status = "warm_only", 403


class UnknownStep(Refused):
    """This workflow has recorded no such step."""

    code, status = "unknown_step", 404


class ConversationBusy(Refused):
    """An answer is still running in this conversation."""

    code, status = "conversation_busy", 409


class Stale(Refused):
    """Another device has written since; here is what you missed."""

    code, status = "stale", 409


class IdempotencyMismatch(Refused):
    """This key was used for another request."""

    code, status = "idempotency_mismatch", 422


class UnknownTranscript(Refused):
    """No such transcript."""

    code, status = "unknown_transcript", 404


class UnsupportedMedia(Refused):
    """This is not audio that can be read here: send WebM, Ogg, WAV, MP3, M4A or FLAC."""

    code, status = "unsupported_media", 415


class BrokenAudio(Refused):
    """This audio is damaged, or not what it says it is."""

    code, status = "broken_audio", 422


class AudioTooLong(Refused):
    """This audio is longer than this server takes."""

    code, status = "audio_too_long", 413


class NoVoice(Refused):
    """Nobody can speak here: install flite, or let the client speak itself."""

    code, status = "no_voice", 501


class NoEngine(Refused):
    """Nothing understands speech here."""

    code, status = "no_engine", 501


class LostLease(Refused):
    """Another worker runs this generation, or it has ended."""

    code, status = "lost_lease", 409


class BadCursor(Refused):
    """That is not a cursor of this server."""

    code, status = "bad_cursor", 400


class TooLarge(Refused):
    """That is larger than this server accepts."""

    code, status = "too_large", 413


class TooMany(Busy):
    """Too many requests: slow down."""

    code, status = "rate_limited", 429


class BudgetExhausted(Busy):
    """Today's budget is used up."""

    code, status = "budget_exhausted", 429


class Unavailable(Busy):
    """A part of the system does not answer; nothing is lost, try again."""

    code, status = "unavailable", 503


class BeingErased(Busy):
    """This account is being erased; when that is done, it may begin anew."""

    code, status = "being_erased", 503


class StorageFull(Busy):
    """There is no room left to store this."""

    code, status = "storage_full", 507
