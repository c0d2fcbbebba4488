"""scim2-server's own WSGI application over its own storage in memory, as its README builds it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from scim2_models import ScimProvider
from scim2_server.applications.wsgi import WSGIApplication
from scim2_server.memory import InMemoryStorage
from scim2_server.utils import load_default_provider

from benchmarks.peers.cases import CORE, user

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class Application(WSGIApplication):
    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        # Without a length it would read(-1), to the end, which Granian's input refuses.
        environ.pop("wsgi.input_terminated", None)
        return super().__call__(environ, start_response)


def create() -> WSGIApplication:
    """The application with PEER_USERS users, all in one group and ten of them in another."""
    provider = load_default_provider()
    storage = InMemoryStorage()
    made = [_store(provider, storage, user(i)) for i in range(int(os.environ["PEER_USERS"]))]
    ids = [each.id for each in made]
    ready = {
        "base": "/v2",
        "users": ids[:1000],
        "names": [each.user_name for each in made[:1000]],
        "large_group": _store(provider, storage, _group("Everyone", ids)).id,
        "small_group": _store(provider, storage, _group("Ten", ids[:10])).id,
    }
    print(json.dumps(ready), flush=True)
    return Application(storage, provider)


def _group(name: str, members: list[str]) -> dict[str, Any]:
    values = [{"value": each} for each in members]
    return {"schemas": [f"{CORE}:Group"], "displayName": name, "members": values}


def _store(provider: ScimProvider, storage: InMemoryStorage, payload: dict[str, Any]) -> Any:
    name = payload["schemas"][0].rpartition(":")[2]
    resource_type = next(each for each in provider.resource_types if each.name == name)
    model: Any = provider.model_for(resource_type)
    return storage.create(resource_type, model.model_validate(payload))
