from clinic.core.errors import DomainError


class RequestInProgress(DomainError):
    code = "request_in_progress"
    detail = "The first request with this Idempotency-Key is still running."


class KeyReused(DomainError):
    code = "idempotency_key_reused"
    status = 422
    detail = "This Idempotency-Key was used before with another request."


class BadIdempotencyKey(DomainError):
    code = "invalid_idempotency_key"
    status = 400
    detail = "An Idempotency-Key has 1 to 255 visible characters."
