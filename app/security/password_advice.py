"""What zxcvbn says of passwords that are easily guessed, to be told in other languages too."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

from app.words import Said, say

SENTENCES = (
    say("Use a few words, avoid common phrases."),
    say("No need for symbols, digits, or uppercase letters."),
    say("Add another word or two. Uncommon words are better."),
    say("Straight rows of keys are easy to guess."),
    say("Short keyboard patterns are easy to guess."),
    say("Use a longer keyboard pattern with more turns."),
    say('Repeats like "aaa" are easy to guess.'),
    say('Repeats like "abcabcabc" are only slightly harder to guess than "abc".'),
    say("Avoid repeated words and characters."),
    say('Sequences like "abc" or "6543" are easy to guess.'),
    say("Avoid sequences."),
    say("Recent years are easy to guess."),
    say("Avoid recent years."),
    say("Avoid years that are associated with you."),
    say("Dates are often easy to guess."),
    say("Avoid dates and years that are associated with you."),
    say("This is a top-10 common password."),
    say("This is a top-100 common password."),
    say("This is a very common password."),
    say("This is similar to a commonly used password."),
    say("A word by itself is easy to guess."),
    say("Names and surnames by themselves are easy to guess."),
    say("Common names and surnames are easy to guess."),
    say("Capitalization doesn't help very much."),
    say("All-uppercase is almost as easy to guess as all-lowercase."),
    say("Reversed words aren't much harder to guess."),
    say("Predictable substitutions like '@' instead of 'a' don't help very much."),
)
"""All of them: a test compares."""


def advice(sentences: Iterable[str]) -> Said:
    """Return what to tell somebody whose password is easily guessed, with what zxcvbn says."""
    return reduce(
        lambda what, how: say("%(what)s %(how)s", what=what, how=say(how)),
        filter(None, sentences),
        say("This is easy to guess."),
    )
