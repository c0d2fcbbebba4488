"""The rules of the addresses, made ready when they are needed: every start adds hundreds."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from werkzeug.routing import Rule

Builder = Callable[..., tuple[str, str]]
"""Takes the rule and its values, and returns the host and the path."""


class LazyRule(Rule):
    """A rule that is matched at once, but compiles the code that builds its URLs at the first one.

    werkzeug compiles two functions a rule when it is added, which takes most of the time that
    making the application takes; a process builds the URLs of few of them.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Builder:
        @cache
        def compiled() -> Builder:
            return super(LazyRule, self)._compile_builder(append_unknown)

        def build(rule: LazyRule, /, **values: Any) -> tuple[str, str]:
            return compiled()(rule, **values)

        return build
