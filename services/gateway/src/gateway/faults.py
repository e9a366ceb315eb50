"""What can be wrong with an HTTP request before it reaches a service, each with its stable code and status."""

from shared.errors import Busy, Fault, Refused, TooMany


class UnknownRoute(Refused):
    """There is nothing at this address."""

    code, status = "not_found", 404


class WrongMethod(Refused):
    """This address doesn't know that method."""

    code, status = "method_not_allowed", 405


class Malformed(Refused):
    """The body is not valid JSON."""

    code, status = "malformed_json", 400


class WrongMedia(Refused):
    """Send application/json in UTF-8, without a content encoding."""

    code, status = "unsupported_media_type", 415


class BadRequest(Refused):
    """The request can't be understood."""

    code, status = "bad_request", 400


class HeadersTooLarge(Refused):
    """The headers are larger than this server accepts."""

    code, status = "headers_too_large", 431


class TooSlow(Refused):
    """The body took too long to arrive."""

    code, status = "request_timeout", 408


class UnknownHost(Refused):
    """This server isn't known under that host name."""

    code, status = "unknown_host", 421


class CrossOrigin(Refused):
    """Pages of other sites may not do this."""

    code, status = "cross_origin", 403


class ForeignUser(Refused):
    """The userId is not yours."""

    code, status = "forbidden_user", 403


class NoServiceToken(Refused):
    """This call is for services, and none may call it: set GATEWAY_SERVICE_TOKEN to a secret of 32 characters or more."""

    code, status = "no_service_token", 403


class TooManyStreams(TooMany):
    """You have too many streams open: close one."""

    code, status = "too_many_streams", 429


class Overloaded(Busy):
    """This server has all the work it can hold; come back in a moment."""

    code, status = "overloaded", 503


class Stopping(Busy):
    """This server is about to restart; come back in a moment."""

    code, status = "stopping", 503


class AnswerLate(Refused):
    """The answer takes longer than this call may wait; it goes on, and can be read later."""

    code, status = "answer_timeout", 504


class AnswerFailed(Refused):
    """The answer could not be finished."""

    code, status = "answer_failed", 502


class UpstreamTimeout(AnswerFailed):
    """The model took too long."""

    code, status = "upstream_timeout", 504


class AnswerCancelled(Refused):
    """Somebody stopped the answer."""

    code, status = "answer_cancelled", 409


class Unsupported(Refused):
    """This server doesn't support that."""

    code, status = "unsupported", 400


class Internal(Fault):
    """Something went wrong here. The request id helps to find out what."""

    code, status = "internal", 500


class NoProvider(Refused):
    """Nobody signs in with a provider here: GATEWAY_OIDC_ISSUER is not set."""

    code, status = "no_provider", 404


class SignInExpired(Refused):
    """This attempt to sign in is over, or was begun in another browser: sign in again."""

    code, status = "sign_in_expired", 400


class SignInDenied(Refused):
    """You were not signed in: the provider says that it was not allowed."""

    code, status = "sign_in_denied", 403


class SignInFailed(Refused):
    """The provider's answer was not in order: sign in again."""

    code, status = "sign_in_failed", 400


class ProviderDown(Busy):
    """The provider that people sign in with can't be reached right now; try again in a moment."""

    code, status = "provider_unavailable", 503


class CannotListen(Refused):
    """The gateway can't listen on its address."""

    code, status = "cannot_listen", 500


class Misconfigured(Refused):
    """The gateway's settings contradict each other."""

    code, status = "misconfigured", 500
