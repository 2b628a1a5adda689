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


class WrongPassword(DomainError):
    code = "wrong_password"
    status = 403
    detail = "That is not your password."


class SessionLocked(DomainError):
    code = "session_locked"
    status = 423
    detail = "Nobody used this session for a while, so it is locked. Unlock it with your password, then repeat this."


class NameTaken(DomainError):
    code = "name_taken"
    detail = "There is an account with this user name or e-mail already."


class StillUsed(DomainError):
    code = "still_used"
    detail = "Other records point at this, so it stays."


class TooManyMails(DomainError):
    code = "too_many_attempts"
    status = 429
    detail = "Too many requests came from here. Please wait an hour, or ask at reception."


class LinkNotValid(DomainError):
    code = "link_not_valid"
    detail = "This link was used already, is too old, or was replaced by a newer one. Please ask for another."


class MailLinksOff(DomainError):
    code = "mail_links_off"
    detail = "This clinic sends no links by mail. Please ask at reception."
