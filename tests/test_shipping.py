"""What is shipped is safe and true: the image, its compositions, what it is made of. Nothing is
built here, for which an engine would be needed: the files are read.
"""

from __future__ import annotations

import json
import re
import runpy
from dataclasses import fields
from pathlib import Path

import click
import pytest
import responses
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from requests import ConnectionError

from app.cli import cli
from app.directory.drift import lines, scim
from app.directory.imports import files
from app.settings import Settings
from tests.conftest import make_app

ROOT = Path(__file__).parent.parent
VARIABLES = {f"GATEHOUSE_{each.name.upper()}" for each in fields(Settings)}
OSV = "https://api.osv.dev/v1/query"


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def is_a_command(words: list[str]) -> bool:
    group: click.Command | None = cli
    for word in words:
        if not isinstance(group, click.Group):
            break  # The rest are arguments.
        group = group.get_command(None, word)
    return group is not None and group is not cli


# -- The image -----------------------------------------------------------------


@pytest.fixture(scope="module")
def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions with what follows each, in order."""
    text = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", text_of("Dockerfile"), flags=re.MULTILINE))
    return [tuple(line.split(" ", 1)) for line in text.splitlines() if line.strip()]


def all_of(instructions, name: str) -> list[str]:
    return [rest for each, rest in instructions if each == name]


def test_the_image_runs_as_nobody_special(instructions):
    last = max(place for place, (name, _) in enumerate(instructions) if name == "FROM")
    (user,) = all_of(instructions[last:], "USER")
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)  # By number: Kubernetes knows no names.
    after = [name for name, _ in instructions[last:]]
    assert "RUN" not in after[after.index("USER") :]


def test_the_image_holds_what_is_locked_and_nothing_to_install_more_with(instructions):
    installs = [
        rest for rest in all_of(instructions, "RUN") if " install " in rest and "pip" in rest
    ]
    assert len(installs) == 2
    assert all("--no-deps" in each for each in installs)
    assert "--require-hashes" in installs[0] and "requirements.lock" in installs[0]
    assert "--without-pip" in installs[0] and "--no-build-isolation" in installs[1]
    (base,) = [rest for rest in all_of(instructions, "ARG") if rest.startswith("BASE=")]
    assert re.fullmatch(r"BASE=python:3\.\d+-slim", base)
    assert not all_of(instructions, "ADD")


def test_what_the_image_copies_is_there_and_sent_to_the_engine(instructions):
    sent = {line[1:] for line in text_of(".dockerignore").splitlines() if line.startswith("!")}
    for rest in all_of(instructions, "COPY"):
        if not rest.startswith("--from="):
            for name in rest.split()[:-1]:
                assert (ROOT / name).exists() and name in sent, name


def test_the_image_knows_whether_it_is_well(instructions):
    (check,) = all_of(instructions, "HEALTHCHECK")
    command = json.loads(check.partition("CMD ")[2])
    assert command[:2] == ["python", "-c"] and "/healthz" in command[2]
    compile(command[2], "health check", "exec")
    assert json.loads(all_of(instructions, "ENTRYPOINT")[0]) == ["gatehouse"]
    assert is_a_command(json.loads(all_of(instructions, "CMD")[0]))


def test_variables_of_the_image_are_settings(instructions):
    named = re.findall(r"GATEHOUSE_\w+", text_of("Dockerfile"))
    assert named and set(named) <= VARIABLES


# -- Compose -------------------------------------------------------------------


@pytest.fixture(scope="module")
def services() -> dict[str, dict]:
    return yaml.safe_load(text_of("compose.yaml"))["services"]


def test_our_services_are_shut_in(services):
    ours = {name: each for name, each in services.items() if name != "database"}
    assert set(ours) == {"gatehouse", "upgrade", "backup"}
    for each in ours.values():
        assert each["read_only"] is True and each["cap_drop"] == ["ALL"]
        assert each["security_opt"] == ["no-new-privileges:true"]
        assert set(each["environment"]) <= VARIABLES
        assert "user" not in each and "privileged" not in each
        assert set(each["depends_on"]) <= set(services)
    assert ours["gatehouse"]["ports"] == ["127.0.0.1:8000:8000"]
    assert ours["gatehouse"]["depends_on"]["upgrade"] == {
        "condition": "service_completed_successfully"
    }
    assert is_a_command(ours["upgrade"]["command"])


def test_temporary_files_are_on_a_disk(services):
    for name in ("gatehouse", "upgrade", "backup"):
        assert "tmp:/tmp" in services[name]["volumes"] and "tmpfs" not in services[name]
    named = {each.partition(":")[0] for one in services.values() for each in one["volumes"]}
    assert named == set(yaml.safe_load(text_of("compose.yaml"))["volumes"])


def test_no_secret_of_compose_has_a_default():
    secret = [each.name.upper() for each in fields(Settings) if not each.repr]
    assert "SECRET_KEY" in secret
    for name, default in re.findall(r"\$\{(\w+):-([^}]*)\}", text_of("compose.yaml")):
        assert not default or name.removeprefix("GATEHOUSE_") not in secret


def test_it_has_the_time_it_needs_to_stop(services):
    grace = int(services["gatehouse"]["stop_grace_period"].removesuffix("s"))
    assert grace > Settings.stop_seconds


# -- Kubernetes ----------------------------------------------------------------


@pytest.fixture(scope="module")
def documents() -> list[dict]:
    return list(yaml.safe_load_all(text_of("docs/deploy/kubernetes.yaml")))


def the(documents, kind: str) -> dict:
    (found,) = [each for each in documents if each["kind"] == kind]
    return found


def pods(documents) -> list[dict]:
    job, deployment = the(documents, "Job"), the(documents, "Deployment")
    cron = the(documents, "CronJob")["spec"]["jobTemplate"]
    return [each["spec"]["template"]["spec"] for each in (job, deployment, cron)]


def test_pods_are_shut_in(documents):
    for pod in pods(documents):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        (container,) = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]
        assert not container["image"].endswith(":latest") and ":" in container["image"]
        named = {each["name"] for each in pod.get("volumes", ())}
        assert {each["name"] for each in container.get("volumeMounts", ())} <= named


def test_users_of_the_image_and_of_the_pods_are_the_same(documents, instructions):
    (user,) = all_of(instructions, "USER")
    for pod in pods(documents):
        context = pod["securityContext"]
        assert f"{context['runAsUser']}:{context['runAsGroup']}" == user


def test_probes_ask_what_is_there(documents, tmp_path):
    (container,) = the(documents, "Deployment")["spec"]["template"]["spec"]["containers"]
    app = make_app(f"sqlite:///{tmp_path / 'none.sqlite3'}")
    paths = {rule.rule for rule in app.url_map.iter_rules()}
    probes = {name: container[name]["httpGet"]["path"] for name in container if "Probe" in name}
    assert probes == {
        "startupProbe": "/healthz",
        "livenessProbe": "/healthz",
        "readinessProbe": "/readyz",
    }
    assert set(probes.values()) <= paths
    assert container["ports"] == [{"name": "http", "containerPort": Settings.port}]


def test_temporary_files_of_a_pod_are_on_a_disk_where_three_of_the_largest_exports_fit(documents):
    pod = the(documents, "Deployment")["spec"]["template"]["spec"]
    (mount,) = pod["containers"][0]["volumeMounts"]
    (volume,) = [each for each in pod["volumes"] if each["name"] == mount["name"]]
    assert mount["mountPath"] == "/tmp" and "medium" not in volume["emptyDir"]
    size = int(volume["emptyDir"]["sizeLimit"].removesuffix("Gi")) * 1024**3
    largest = files.SIZE_LIMIT + scim.STORE_LIMIT + lines.LIMIT
    assert size > 3 * largest
    assert f"{largest // 1024**2} MB\nat the most" in text_of("docs/operation.md")


def test_what_kubernetes_is_told_is_there(documents):
    given = the(documents, "ConfigMap")["data"] | the(documents, "Secret")["stringData"]
    assert set(given) <= VARIABLES and all(isinstance(each, str) for each in given.values())
    assert is_a_command(the(documents, "Job")["spec"]["template"]["spec"]["containers"][0]["args"])
    pod = the(documents, "Deployment")["spec"]["template"]
    pause = int(pod["spec"]["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][1])
    stop = int(given["GATEHOUSE_STOP_SECONDS"])
    assert pod["spec"]["terminationGracePeriodSeconds"] > pause + stop
    for each in (the(documents, "Service")["spec"]["selector"], pod["metadata"]["labels"]):
        assert each == the(documents, "Deployment")["spec"]["selector"]["matchLabels"]


def test_what_the_upgrade_guide_tells_kubectl_is_there(documents):
    page = text_of("docs/upgrade.md")
    given = re.findall(r"kubectl apply .*--filename (\S+)", page)
    assert given and all((ROOT / "docs" / "deploy" / name).exists() for name in given)
    name, value = re.findall(r"--selector (\w+)=(\w+)", page)[0]
    chosen = [each for each in documents if each["metadata"].get("labels", {}).get(name) == value]
    assert chosen == [the(documents, "Job")]
    assert set(re.findall(r"--from=cronjob/(\S+)", page)) == {
        the(documents, "CronJob")["metadata"]["name"]
    }
    name = re.sub(r"\d+", r"\\d+", the(documents, "Job")["metadata"]["name"])
    assert re.search(rf"job/{name} ", page)


# -- What it is made of --------------------------------------------------------


def locked() -> dict[str, str]:
    found = re.findall(r"^([\w.-]+)==([^\s;\\]+)", text_of("requirements.lock"), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


def test_every_line_of_both_locks_has_hashes():
    for name in ("requirements.lock", "requirements-test.lock"):
        lines = re.sub(r"\\\n", " ", text_of(name)).splitlines()
        assert len(lines) > 50
        assert all("==" in line and "--hash=sha256:" in line for line in lines)
        assert "://" not in "".join(lines)


def test_what_the_project_asks_for_is_what_is_locked():
    import tomllib

    for each in tomllib.loads(text_of("pyproject.toml"))["project"]["dependencies"]:
        wanted = Requirement(each)
        assert locked()[canonicalize_name(wanted.name)] in wanted.specifier, each


def test_the_bill_of_materials_is_that_of_the_lock():
    make = runpy.run_path(str(ROOT / "scripts" / "sbom.py"))["bom"]
    document = json.loads(make())
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    parts = {each["name"]: each for each in document["components"]}
    assert {canonicalize_name(name): each["version"] for name, each in parts.items()} == locked()
    flask = next(each for name, each in parts.items() if name.lower() == "flask")
    assert flask["purl"] == f"pkg:pypi/flask@{flask['version']}"
    (files,) = flask["externalReferences"]
    for each in files["hashes"]:
        assert f"sha256:{each['content']}" in text_of("requirements.lock")
    assert document["metadata"]["component"]["name"] == "gatehouse"
    (ours,) = [each for each in document["dependencies"] if each["ref"] == "gatehouse"]
    assert flask["purl"] in ours["dependsOn"]
    assert make() == make()


# -- The audit -----------------------------------------------------------------

VULNERABILITY = {
    "id": "PYSEC-2024-1",
    "schema_version": "1.6.0",
    "summary": "It does what it should not.",
    "aliases": ["CVE-2024-0001"],
    "affected": [
        {
            "package": {"name": "flask", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.0"}]}],
        }
    ],
}


@pytest.fixture
def audit(tmp_path):
    """Run the audit on a lock of two dependencies."""
    lock = tmp_path / "requirements.lock"
    lines = re.split(r"\n(?=[a-z])", text_of("requirements.lock"))
    lock.write_text("\n".join(each for each in lines if each.startswith(("flask==", "click=="))))
    main = runpy.run_path(str(ROOT / "scripts" / "audit.py"))["main"]
    with responses.RequestsMock() as web:
        yield web, lambda: main(lock)


def test_an_audit_without_findings_ends_in_0(audit, capsys):
    web, run = audit
    web.post(OSV, json={})
    assert run() == 0
    assert capsys.readouterr().out == "2 dependencies audited, 0 with known vulnerabilities.\n"
    asked = sorted(json.loads(call.request.body)["package"]["name"] for call in web.calls)
    assert asked == ["click", "flask"]


def test_a_known_vulnerability_ends_in_1(audit, capsys):
    web, run = audit

    def answer(request):
        is_flask = json.loads(request.body)["package"]["name"] == "flask"
        return 200, {}, json.dumps({"vulns": [VULNERABILITY]} if is_flask else {})

    web.add_callback(responses.POST, OSV, answer)
    assert run() == 1
    told = capsys.readouterr().out
    assert "PYSEC-2024-1 (CVE-2024-0001); mended in 99.0" in told
    assert "1 with known vulnerabilities" in told


@pytest.mark.parametrize("trouble", [{"body": ConnectionError("no way out")}, {"status": 503}])
def test_an_audit_that_can_ask_nobody_says_so_and_ends_in_0(audit, capsys, trouble):
    web, run = audit
    web.post(OSV, **trouble)
    assert run() == 0
    assert "OSV cannot be asked" in capsys.readouterr().out
