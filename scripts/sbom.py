"""Write what Gatehouse is made of, as CycloneDX JSON: ``make sbom``.

It is made from the lock file alone, so it says what is installed from it, with the hashes that pip
holds it to; the same lock gives the same file.
"""

from __future__ import annotations

import hashlib
import re
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.hash.factories import HashTypeFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.utils import canonicalize_name
from pip_requirements_parser import InstallRequirement, RequirementsFile

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements.lock"
HASHES = HashTypeFactory()


def bom(lock: Path = LOCK) -> str:
    """Return the bill of materials of a lock file."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    root = Component(
        name=project["name"],
        version=project["version"],
        type=ComponentType.APPLICATION,
        bom_ref="gatehouse",
        description=project["description"],
    )
    made = Bom(serial_number=uuid5(NAMESPACE_URL, hashlib.sha256(lock.read_bytes()).hexdigest()))
    made.metadata.component = root
    made.metadata.timestamp = datetime.fromtimestamp(0, UTC)  # None: the same lock, the same file.
    parts = {
        canonicalize_name(str(each.name)): _component(each)
        for each in RequirementsFile.from_file(str(lock)).requirements
    }
    for part in parts.values():
        made.components.add(part)
    named = (re.split(r"[<>=!~;\[ ]", each)[0] for each in project["dependencies"])
    made.register_dependency(root, [parts[canonicalize_name(name)] for name in named])
    return JsonV1Dot6(made).output_as_string(indent=1) + "\n"


def _component(locked: InstallRequirement) -> Component:
    version = locked.get_pinned_version
    page = f"https://pypi.org/project/{locked.name}/{version}/"
    files = ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION,
        url=XsUri(page),
        comment="each hash is one of its files, for one platform or another",
        hashes=[HASHES.from_composite_str(each) for each in sorted(locked.hash_options)],
    )
    marker = Property(name="gatehouse:marker", value=str(locked.marker)) if locked.marker else None
    return Component(
        name=str(locked.name),
        version=version,
        type=ComponentType.LIBRARY,
        purl=(
            purl := PackageURL("pypi", name=canonicalize_name(str(locked.name)), version=version)
        ),
        bom_ref=str(purl),
        external_references=[files],
        properties=[marker] if marker else [],
    )


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist" / "gatehouse.cdx.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(bom(), encoding="utf-8")
    print(target)
