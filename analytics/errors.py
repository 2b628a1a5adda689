from clinic.core.errors import DomainError


class ReportsUnavailable(DomainError):
    code = "reports_unavailable"
    status = 503
    detail = (
        "This report is temporarily unavailable: the store that holds it cannot be reached. Nothing is lost; please try again in a moment."
    )


class NoAddress(DomainError):
    code = "no_address"
    detail = "Your account has no e-mail address. An administrator can add one."


class MonthNotOver(DomainError):
    code = "month_not_over"
    detail = "This month is not over yet, or its last day is not in the figures yet."
