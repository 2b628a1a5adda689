"""Who calls the API: a bearer token, or the browser's session."""

from rest_framework import authentication, exceptions

from clinic.accounts.errors import InvalidToken, SessionLocked
from clinic.accounts.services import tokens


class BearerAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer ACCESS`. The session behind it is looked up each time: ending it ends access at once."""

    def authenticate(self, request):
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        try:
            session = tokens.session_of_access(token.strip())
        except InvalidToken as error:
            raise exceptions.AuthenticationFailed(error.detail, code=error.code) from error
        return session.user, session

    def authenticate_header(self, request):
        return 'Bearer realm="clinic"'


class Locked(exceptions.APIException):
    status_code = SessionLocked.status
    default_code = SessionLocked.code
    default_detail = SessionLocked.detail


class SessionAuthentication(authentication.SessionAuthentication):
    """The signed-in browser, with CSRF protection; not while its session is locked."""

    def authenticate(self, request):
        found = super().authenticate(request)
        if found and request._request.session.is_locked:
            raise Locked
        return found
