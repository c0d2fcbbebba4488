"""Directory refusals as SCIM errors (RFC 7644 §3.12)."""

from __future__ import annotations

from scim2_models import (
    ConflictException,
    ForbiddenException,
    InvalidValueException,
    NotFoundException,
    PreconditionFailedException,
    SCIMException,
    UniquenessException,
)

from app.directory.errors import (
    DirectoryError,
    Forbidden,
    Invalid,
    LastMasterAdmin,
    NotEmpty,
    NotFound,
    Taken,
    VersionMismatch,
)

_SCIM: dict[type[DirectoryError], type[SCIMException]] = {
    NotFound: NotFoundException,
    Invalid: InvalidValueException,
    Taken: UniquenessException,
    Forbidden: ForbiddenException,
    LastMasterAdmin: ConflictException,
    NotEmpty: ConflictException,
    VersionMismatch: PreconditionFailedException,
}


def scim_exception(error: DirectoryError) -> SCIMException:
    """Return the SCIM form of a refusal."""
    return _SCIM[type(error)](detail=str(error))
