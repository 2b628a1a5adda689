"""Refusals. Each has a code for programs and a sentence fit for the person who gets it."""


class DomainError(Exception):
    """A rule of the clinic said no. Nothing was written.

    `code` is a stable snake_case word; `detail` a sentence; `status` the HTTP status;
    `errors` maps a field to its messages; `extra` adds members to the API's answer.
    """

    code = "refused"
    status = 409
    detail = "This is not possible."

    def __init__(self, detail: str | None = None, *, errors: dict | None = None, **extra):
        self.detail = detail or self.detail
        self.errors = errors
        self.extra = extra
        super().__init__(self.code)  # the sentence may name a person: it does not belong in a traceback


class InvalidInput(DomainError):
    """The words of a request do not make sense by themselves."""

    code = "invalid"
    status = 400
    detail = "Some fields need attention."


class Forbidden(DomainError):
    code = "permission_denied"
    status = 403
    detail = "You may not do this."


class NotFound(DomainError):
    code = "not_found"
    status = 404
    detail = "Not found."


class StaleVersion(DomainError):
    code = "stale_version"
    status = 412
    detail = "Someone else changed this meanwhile. Reload it and look at the change before saving yours."


class Busy(DomainError):
    """A lock was not to be had in time; trying again is safe."""

    code = "busy"
    status = 503
    detail = "Many people are changing this right now. Please try again."


class RequestReused(DomainError):
    """A form's `request_id` came before, with something else in it: somebody went back and changed the form."""

    code = "request_reused"
    detail = "This form was used for something else already. Reload the page and try again."
