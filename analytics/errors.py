from clinic.core.errors import DomainError


class ReportsUnavailable(DomainError):
    code = "reports_unavailable"
    status = 503
    detail = (
        "This report is temporarily unavailable: the store that holds it cannot be reached. Nothing is lost; please try again in a moment."
    )
