"""Why a SAML message or document is refused."""


class Refused(Exception):
    """A message is not what it must be. ``str(error)`` is for the audit log, not its sender."""


class BadMetadata(Exception):
    """A provider's metadata cannot be used. ``str(error)`` tells the administrator why."""
