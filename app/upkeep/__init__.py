"""Looking after an installation: copies that can be relied on, and what is amiss."""


class UpkeepError(OSError):
    """It cannot be done. The message says why, and what to do."""
