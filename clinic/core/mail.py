"""What it means that a mail was not sent."""

from smtplib import SMTPException

# The server refused or cannot be reached; or, the last, no mail can have such an address. One such mail keeps back no other.
UNSENT = (SMTPException, OSError, ValueError)
