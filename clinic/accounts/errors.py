from clinic.core.errors import DomainError


class InvalidCredentials(DomainError):
    code = "invalid_credentials"
    status = 401
    detail = "That user name and password do not match an active account."


class TooManyAttempts(DomainError):
    code = "too_many_attempts"
    status = 429
    detail = "Too many failed attempts to sign in. Please wait a while, or ask an administrator."


class InvalidToken(DomainError):
    code = "invalid_token"
    status = 401
    detail = "This token is not valid any more. Please sign in again."


class NameTaken(DomainError):
    code = "name_taken"
    detail = "There is an account with this user name or e-mail already."


class StillUsed(DomainError):
    code = "still_used"
    detail = "Other records point at this, so it stays."
