"""Why a SAML message or document is refused."""

from app.words import Said


class Refused(Exception):
    """A message is not what it must be. ``str(error)`` is for the audit log, not its sender."""

    def __init__(self, sentence: Said) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class BadMetadata(Exception):
    """A provider's metadata cannot be used. ``str(error)`` tells the administrator why."""

    def __init__(self, sentence: Said) -> None:
        super().__init__(sentence)
        self.sentence = sentence
