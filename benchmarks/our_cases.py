"""What Gatehouse and its peers are asked for in the HTTP benchmark."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

import orjson

from benchmarks import world
from benchmarks.measuring import Client, Next, memory
from benchmarks.ours import Ours
from benchmarks.peers import Running
from benchmarks.peers.cases import Ask

if TYPE_CHECKING:
    from benchmarks.over_http import Results

STEP = 7919
"""A prime: users are asked for from everywhere in the account."""
FAST, SLOW = 200, 10
"""Requests of a case in a round."""


@dataclass
class Case:
    name: str
    client: Client
    ask: Next
    times: int = FAST
    less: float = 0.0
    """Milliseconds that are not counted."""


def hello() -> Next:
    return lambda: Ask("GET", "/")


def cases(ours: Ours, scim: Client | None = None, api: Client | None = None) -> list[Case]:
    """Return the cases of Gatehouse. Their names are those of ``report.TARGETS``.

    :param scim: Who asks, if not a client over HTTP.
    """
    client, check = scim or Client(ours.port, ours.scim), api or Client(ours.port, ours.api)
    found = [Case(name, client, ask) for name, ask in _reads(ours).items()]
    found += [Case(name, client, ask, 30) for name, ask in _pages(ours, client).items()]
    found += [Case(name, client, ask) for name, ask in _writes(ours).items()]
    found += _large(ours, client)
    found.append(Case("AuthZEN check", check, _checks(ours)))
    return found


def of_peer(server: Running) -> list[Case]:
    """Return the cases of a peer that it has a counterpart for, by our names."""
    ask, client = server.cases, Client(server.port, server.headers)
    users, names = itertools.cycle(server.users), itertools.cycle(server.names)
    switched = itertools.cycle([False, True])
    numbers = itertools.count(1_000_000)
    found: list[Case] = []

    def add(name: str, next_: Next, times: int = FAST) -> None:
        found.append(Case(name, client, next_, times))

    if ask.get_user:
        add("GET a user", lambda: ask.get_user(next(users)))  # type: ignore[misc]
    if ask.filter_user_name:
        add("filter userName eq", lambda: ask.filter_user_name(next(names)))  # type: ignore[misc]
    if ask.list_100:
        add("list 100 users", ask.list_100, SLOW)
    if ask.patch_active:
        user = server.users[0]
        add("PATCH active", lambda: ask.patch_active(user, next(switched)))  # type: ignore[misc]
    if ask.create_user:
        add("POST a user", lambda: ask.create_user(next(numbers)))  # type: ignore[misc]
    if ask.add_member and ask.remove_member:
        # All are in the large group, the first ten in the small one: who is taken out comes back.
        for name, group, times in (
            ("group of 10: PATCH one member", server.small_group, FAST),
            ("group of 10,000: PATCH one member", server.large_group, 4),
        ):
            add(name, _in_turn(ask.remove_member, ask.add_member, group, server.users[3]), times)
    if ask.get_group:
        get = ask.get_group
        add("read a group of 10,000", lambda: get(server.large_group), 4)
    return found


def measure_memory(ours: Ours, results: Results) -> None:
    """Measure the memory of a server: at rest, and while all users are listed page by page."""
    client = Client(ours.port, ours.scim)
    rest = memory(ours.pid)
    most, first = rest, 1
    while first <= len(ours.world.users):
        client.seconds(Ask("GET", f"/scim/v2/Users?startIndex={first}&count=1000"))
        most, first = max(most, memory(ours.pid)), first + 1000
    results.add(ours.name, "memory after all cases", rest, 1)
    results.add(ours.name, "memory while all users are listed", most, 1)
    results.add(ours.name, "ready after, s", ours.ready_seconds, 1)


def _in_turn(
    one: Callable[[str, str], Ask], other: Callable[[str, str], Ask], group: str, user: str
) -> Next:
    turns = itertools.cycle([one, other])
    return lambda: next(turns)(group, user)


def _reads(ours: Ours) -> dict[str, Next]:
    base, turn = ours.cases.base, itertools.count(1)
    users, many = ours.world.users, len(ours.world.users)

    def number() -> int:
        return next(turn) * STEP % many

    def found_by(kind: str, filter_: str, **more: str) -> Ask:
        query = "".join(f"&{name}={value}" for name, value in more.items())
        return Ask("GET", f"{base}/{kind}?filter={quote(filter_)}{query}")

    def by_mail() -> Ask:
        name = world.user_name(number())
        return found_by("Users", f'emails[type eq "work" and value eq "{name}"]')

    def by_member() -> Ask:
        text = f'members.value eq "{users[number()]}"'
        return found_by("Groups", text, excludedAttributes="members")

    ten = ours.sized_groups[10]
    largest = ours.sized_groups[max(ours.sized_groups)]
    return {
        "GET a user": lambda: ours.cases.get_user(users[number()]),
        "filter userName eq": lambda: ours.cases.filter_user_name(world.user_name(number())),
        "filter externalId eq": lambda: found_by("Users", f'externalId eq "00u{number():09d}"'),
        "filter emails[type eq … and value eq …]": by_mail,
        "filter members.value eq": by_member,
        "read a group of 10": lambda: ours.cases.get_group(ten),
        "read the largest group without members": lambda: Ask(
            "GET", f"{base}/Groups/{largest}?excludedAttributes=members"
        ),
    }


def _pages(ours: Ours, client: Client) -> dict[str, Next]:
    base, many = ours.cases.base, len(ours.world.users)
    deep = itertools.count(many * 9 // 10, 100)
    cursor = _cursor_at(client, base, many * 9 // 10)
    return {
        "list 100 users": ours.cases.list_100,
        "list 100 users, page after page from startIndex 90 %": lambda: Ask(
            "GET", f"{base}/Users?count=100&startIndex={_within(next(deep), many)}"
        ),
        "list 100 users by cursor, the first page": lambda: Ask(
            "GET", f"{base}/Users?count=100&cursor"
        ),
        "list 100 users by cursor, at 90 %": lambda: Ask(
            "GET", f"{base}/Users?count=100&cursor={quote(cursor)}"
        ),
    }


def _within(index: int, many: int) -> int:
    """Return the index of a page in the last tenth, which is paged through again and again."""
    first = many * 9 // 10
    return first + (index - first) % max(100, many // 10 - 100)


def _cursor_at(client: Client, base: str, place: int) -> str:
    cursor, passed = "", 0
    while passed < place:
        path = f"{base}/Users?count=100&cursor={quote(cursor)}"
        page = orjson.loads(client.seconds(Ask("GET", path))[1])
        cursor, passed = page["nextCursor"], passed + 100
    return str(cursor)


def _writes(ours: Ours) -> dict[str, Next]:
    ask, users = ours.cases, ours.world.users
    switched, numbers = itertools.cycle([False, True]), itertools.count(1)
    new = users[-1]
    found: dict[str, Next] = {
        "PATCH active": lambda: ask.patch_active(users[11], next(switched)),
        "POST a user": lambda: ask.create_user(next(numbers)),
    }
    ten, *_, all_ = sorted(ours.sized_groups)
    for size, user in ((ten, new), (all_, new)):
        pair = (ask.add_member, ask.remove_member)
        one, other = pair if size == ten else reversed(pair)
        name = f"group of {size:,}: PATCH one member"
        found[name] = _in_turn(one, other, ours.sized_groups[size], user)
    return found


def _large(ours: Ours, client: Client) -> list[Case]:
    """Return what is asked of a group of ten thousand."""
    size = sorted(ours.sized_groups)[1]
    group, members = ours.sized_groups[size], ours.world.users[:size]
    bodies = [
        {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": f"Of {size}",
            "members": [{"value": each} for each in listed],
        }
        for listed in (members[1:], members)
    ]
    turns, text = itertools.cycle(bodies), orjson.dumps(bodies[0])
    parse = _median_of(lambda: orjson.loads(text))
    return [
        Case(
            f"PUT a group of {size:,} with one change, JSON aside",
            client,
            lambda: Ask("PUT", f"{ours.cases.base}/Groups/{group}", next(turns)),
            SLOW,
            less=parse,
        ),
        Case(f"read a group of {size:,}", client, lambda: ours.cases.get_group(group), SLOW),
    ]


def _median_of(work: Callable[[], object]) -> float:
    def took() -> float:
        begun = time.perf_counter()
        work()
        return (time.perf_counter() - begun) * 1000

    return statistics.median(took() for _ in range(9))


def _checks(ours: Ours) -> Next:
    pairs: Iterable[tuple[str, str]] = itertools.cycle(ours.grants)
    turns = iter(pairs)

    def ask() -> Ask:
        user, folder = next(turns)
        return Ask(
            "POST",
            "/access/v1/evaluation",
            {
                "subject": {"type": "user", "id": user},
                "action": {"name": "folder.view"},
                "resource": {"type": "folder", "id": folder},
            },
        )

    return ask
