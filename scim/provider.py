"""What this service provider announces, and serves to one account (RFC 7643 §5, §6)."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from functools import cached_property, reduce
from typing import Any, cast
from weakref import finalize

from scim2_models import (
    AuthenticationScheme,
    Bulk,
    ChangePassword,
    ETag,
    Extension,
    External,
    Filter,
    Pagination,
    Patch,
    Reference,
    Resource,
    ResourceType,
    Schema,
    ScimPolicy,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
)
from scim2_models.messages.bulk import _operation_adapter

from app.directory import schemas as declared_schemas
from app.directory.schemas import Declared
from scim import schemas

MAX_RESULTS = 1000
"""Most resources one page holds."""
DEFAULT_RESULTS = 100
"""Resources on a page when the client does not say."""
CURSOR_SECONDS = 3600
"""How long a cursor works."""
BULK_OPERATIONS = 1000
BULK_BYTES = 8 * 1024 * 1024
OWN_TYPES: tuple[type[Resource[Any]], ...] = (
    schemas.Folder,
    schemas.Grant,
    schemas.Role,
    schemas.Entitlement,
)
PROVIDERS = 64
"""How many providers of accounts with schemas of their own a process keeps. With 1,000 attributes
one takes 9 MB and most of a second to make; with a few, far less."""

POLICY = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)
"""How far clients may depart from the RFCs; what goes beyond it stands in ``dialects``."""


def service_provider_config() -> ServiceProviderConfig:
    """Return the capabilities this service provider announces (RFC 7643 §5)."""
    return ServiceProviderConfig(
        patch=Patch(supported=True),
        bulk=Bulk(supported=True, max_operations=BULK_OPERATIONS, max_payload_size=BULK_BYTES),
        pagination=Pagination(
            cursor=True,
            index=True,
            default_pagination_method=Pagination.DefaultPaginationMethod.index,
            default_page_size=DEFAULT_RESULTS,
            max_page_size=MAX_RESULTS,
            cursor_timeout=CURSOR_SECONDS,
        ),
        filter=Filter(supported=True, max_results=MAX_RESULTS),
        change_password=ChangePassword(supported=True),
        sort=Sort(supported=True),
        etag=ETag(supported=True),
        authentication_schemes=[
            AuthenticationScheme(
                type=AuthenticationScheme.Type.oauthbearertoken,
                name="Bearer token",
                description="A token made with `gatehouse token create`.",
                primary=True,
            ),
            AuthenticationScheme(
                type=AuthenticationScheme.Type.oauth2,
                name="OAuth 2.0 client credentials",
                description="A client made with `gatehouse client create`; tokens are issued "
                "at /oauth/token.",
                spec_uri=Reference[External]("https://www.rfc-editor.org/rfc/rfc6749"),
            ),
        ],
    )


class _Provider(ScimProvider):
    """Shows the schemas an account declares under the names it gives them."""

    def __init__(self, names: dict[str, str], **description: Any) -> None:
        super().__init__(**description)
        self._names = names

    @cached_property
    def schemas(self) -> tuple[Schema, ...]:
        found = super().schemas
        for schema in found:
            schema.name = self._names.get(str(schema.id), schema.name)
        return found


def provider_for(account_id: str, scim_epoch: int) -> ScimProvider:
    """Return the provider of an account, with the schemas it declares.

    :param scim_epoch: What ``accounts.scim_epoch`` holds; 0 means that it declares none.
    """
    return build_provider(declared_schemas.of_account(account_id) if scim_epoch else ())


def build_provider(declared: Iterable[Declared]) -> ScimProvider:
    """Return a provider of our resource types, with the schemas an account declares."""
    resources: dict[str, type[Resource[Any]]] = {"User": schemas.User, "Group": schemas.Group}
    extensions: dict[str, list[type[Extension]]] = {
        "User": [schemas.EnterpriseUser, schemas.AccessUser],
        "Group": [],
    }
    names = {}
    for number, each in enumerate(declared):
        schema = Schema.model_validate({"id": each.urn, "attributes": each.attributes})
        if each.urn in declared_schemas.CORE:
            schema.name = each.resource
            resources[each.resource] = resources[each.resource].from_schema(schema)
        else:
            # Models are told apart by their names, and an account names schemas as it likes.
            schema.name = f"Declared{number}"
            names[each.urn] = each.name
            extensions[each.resource].append(Extension.from_schema(schema))
    types: list[type[Resource[Any]]] = [*resources.values(), *OWN_TYPES]
    bound = [_extended(each, extensions.get(each.__name__, [])) for each in types]
    provider = _Provider(
        names,
        models=[*types, *(model for models in extensions.values() for model in models)],
        resource_types=[ResourceType.from_resource(each) for each in bound],
        config=service_provider_config(),
        policy=POLICY,
    )
    finalize(provider, _let_go, bound).atexit = False
    return provider


def _let_go(models: Iterable[type[Resource[Any]]]) -> None:
    """Let models go with their provider, of which there is a new one at each change of a schema.

    scim2-models would keep them for good: for bulk requests, and by the paths it has gone through,
    as these are kept by the model and keep what a table has under that very model.
    """
    _operation_adapter.cache_clear()
    for model in models:
        if "__scim_iterated_paths__" in vars(model):
            del model.__scim_iterated_paths__  # type: ignore[attr-defined]


def _extended(
    resource: type[Resource[Any]], extensions: list[type[Extension]]
) -> type[Resource[Any]]:
    """Return a resource with its extensions, none of which is required."""
    if not extensions:
        return resource
    bound: Any = resource.__class_getitem__(reduce(operator.or_, extensions))
    return cast(type[Resource[Any]], bound)
