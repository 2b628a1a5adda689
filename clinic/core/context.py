"""Who asks, during one request: set by the middleware, read by the audit and the logs."""

from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
