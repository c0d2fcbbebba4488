"""``gatehouse connection``: options of SAML, metadata anew, the list."""

from __future__ import annotations

import pytest

from saml import setup
from tests.saml.provider import TestProvider


@pytest.fixture
def provider(tmp_path, monkeypatch):
    provider = TestProvider()
    pair = (provider.key, provider.certificate)
    monkeypatch.setattr(setup, "new_key_pair", lambda common_name: pair)
    (tmp_path / "metadata.xml").write_bytes(provider.metadata())
    return provider


@pytest.fixture
def acme(gatehouse, provider, tmp_path):
    gatehouse("account", "create", "Acme")
    path = str(tmp_path / "metadata.xml")
    gatehouse("connection", "add-saml", "Acme", "--metadata", path, "--name", "Okta")
    return gatehouse


def test_options_are_set_and_shown(acme):
    stands = acme("connection", "set", "Acme", "okta", "--json")["options"]
    assert (stands["allow_unsolicited"], stands["sign_requests"]) == (False, True)
    options = ("--allow-unsolicited", "--session-hours", "2", "--authn-context", "urn:a:b")
    acme("connection", "set", "Acme", "Okta", *options)
    stands = acme("connection", "set", "Acme", "Okta", "--no-sign-requests", "--json")["options"]
    assert (stands["allow_unsolicited"], stands["sign_requests"]) == (True, False)
    assert (stands["session_hours"], stands["authn_contexts"]) == (2, ["urn:a:b"])
    assert "landing: /" in acme("connection", "set", "Acme", "Okta").stdout


def test_attribute_names_are_changed_one_by_one(acme):
    def names(*options: str) -> dict[str, str]:
        return acme("connection", "set", "Acme", "Okta", *options, "--json")["options"][
            "attribute_names"
        ]

    okta = names("--preset", "okta")
    assert names("--attribute", "email=mail") == okta | {"email": "mail"}
    assert "displayName" not in names("--attribute", "displayName=")
    assert names("--preset", "okta") == okta
    shown = acme("connection", "set", "Acme", "Okta").stdout
    assert "attribute-names: displayName=displayName, email=email," in shown
    assert "force-authn: no" in shown


def test_what_cannot_be_is_one_line(acme):
    wrong = acme("connection", "set", "Acme", "Okta", "--landing", "//evil", exit_code=2)
    assert "a path of this site" in wrong.stderr
    unknown = acme("connection", "set", "Acme", "Nobody", exit_code=2)
    assert "SAML connection 'Nobody'" in unknown.stderr


def test_metadata_is_read_anew(acme, provider, tmp_path):
    path = str(tmp_path / "metadata.xml")
    renewed = acme("connection", "renew-metadata", "Acme", "Okta", "--metadata", path, "--json")
    assert renewed == {"entity_id": provider.entity_id, "certificates": 1}


def test_connections_are_listed(acme):
    acme("token", "create", "Acme", "--name", "t")
    kinds = {
        each["name"]: each["kind"]
        for each in acme("connection", "list", "Acme", "--json")["connections"]
    }
    assert kinds == {"Okta": "saml", "SCIM": "scim"}


def test_a_provider_without_metadata_is_described_by_fields(acme, provider, tmp_path):
    certificate = tmp_path / "idp.pem"
    certificate.write_text(provider.certificate)
    fields = ("--entity-id", "https://x.example/", "--sso-url", "https://x.example/sso")
    made = acme(
        *("connection", "add-saml", "Acme", "--name", "X", *fields),
        *("--certificate", str(certificate), "--slo-url", "https://x.example/slo", "--json"),
    )
    assert made["slo_url"].endswith(f"/saml/{made['id']}/slo")
    lacking = acme("connection", "add-saml", "Acme", "--name", "Y", *fields, exit_code=2)
    assert "--certificate" in lacking.stderr
    certificate.write_text("no certificate")
    wrong = acme(
        *("connection", "add-saml", "Acme", "--name", "Y", *fields),
        *("--certificate", str(certificate)),
        exit_code=2,
    )
    assert "certificate cannot be used" in wrong.stderr


def test_our_key_is_replaced_step_by_step(acme):
    def states(*step: str) -> list[str]:
        return list(acme("connection", "key", "Acme", "Okta", *step, "--json")["keys"])

    assert states() == ["current"]
    assert states("announce") == ["current", "next"]
    assert states("withdraw") == ["current"]
    assert states("announce") == ["current", "next"]
    assert states("use") == ["current", "previous"]
    assert states("forget") == ["current"]
    assert "No new key" in acme("connection", "key", "Acme", "Okta", "use", exit_code=2).stderr


def test_domains_are_added_listed_and_removed(acme):
    acme("domain", "add", "Acme", "Example.com", "okta")
    assert acme("domain", "list", "Acme", "--json") == {"domains": {"example.com": "Okta"}}
    assert "in use" in acme("domain", "add", "Acme", "example.com", "Okta", exit_code=2).stderr
    acme("domain", "remove", "Acme", "example.com")
    assert "no domain" in acme("domain", "list", "Acme").stdout


def test_saml_is_required_once_somebody_breaks_glass(acme):
    acme("admin", "create", "root@example.com")
    refused = acme("account", "set", "Acme", "--require-saml", exit_code=2)
    assert "gatehouse admin break-glass" in refused.stderr
    acme("admin", "break-glass", "root@example.com")
    made = acme("account", "set", "Acme", "--require-saml", "--json")
    assert made == {"requires_saml": True, "changed": True}
    last = acme("admin", "break-glass", "root@example.com", "--off", exit_code=2)
    assert "somebody" in last.stderr
    assert "link" in acme("admin", "create", "root@example.com", "--json")
    other = acme("admin", "create", "eve@example.com", exit_code=2)
    assert "requires people to sign in through their company" in other.stderr
    acme("account", "set", "Acme", "--no-require-saml")
    acme("admin", "create", "eve@example.com")
    assert "Give --unknown" in acme("account", "set", "Acme", exit_code=2).stderr


def test_a_sign_in_is_understood(acme, provider, tmp_path):
    (connection,) = acme("connection", "list", "Acme", "--json")["connections"]
    sp = f"http://127.0.0.1:8000/saml/{connection['id']}"
    response = provider.response(sp, "id-1", name_id="eve@example.com")
    (tmp_path / "response").write_text(response)
    tested = acme("sign-in", "test", "Acme", "Okta", "--response", str(tmp_path / "response"))
    assert "FAILED  The person is known here" in tested.stdout
    assert "Nobody would sign in." in tested.stdout
    acme("connection", "set", "Acme", "Okta", "--provisioning", "create")
    tested = acme("sign-in", "test", "Acme", "Okta", "--response", str(tmp_path / "response"))
    assert "Would sign in as eve@example.com." in tested.stdout

    acme("connection", "set", "Acme", "Okta", "--provisioning", "off")
    client = acme.app.test_client()
    answer = client.post(f"/saml/{connection['id']}/acs", data={"SAMLResponse": response})
    assert answer.status_code == 403
    (failure,) = acme("sign-in", "failures", "Acme", "Okta", "--json")["failures"]
    assert failure["number"] == answer.headers["X-Request-Id"]
    why = acme("sign-in", "why", "Acme", failure["number"])
    assert "FAILED  It answers a request that is open" in why.stdout
    assert "eve@" not in why.stdout and "e***@example.com" in why.stdout
    assert "trace 'x'" in acme("sign-in", "why", "Acme", "x", exit_code=2).stderr


def test_jobs_are_run_and_listed(acme):
    assert "No job" in acme("jobs", "list").stdout
    names = [job.name for job in acme.app.extensions["gatehouse_jobs"]]
    assert {"saml metadata", "audit seal", "old traces", "old attempts"} <= set(names)
    assert acme("jobs", "run", "--json")["done"] == names
    assert acme("jobs", "run").stdout == "Nothing was due.\n"
    assert len(acme("jobs", "list", "--json")["jobs"]) == len(names)


def test_a_connection_is_renamed_and_deleted(acme):
    renamed = acme("connection", "rename", "Acme", "okta", "Okta SSO", "--json")
    assert renamed == {"name": "Okta SSO", "changed": True}
    refused = acme("connection", "delete", "Acme", "Okta SSO", exit_code=2)
    assert "Take it out of use first." in refused.stderr
    acme("connection", "disable", "Acme", "Okta SSO")
    deleted = acme("connection", "delete", "Acme", "Okta SSO")
    assert deleted.stdout == "Okta SSO is deleted. 0 user(s) and 0 group(s) of it stay.\n"
    assert "no connection" in acme("connection", "list", "Acme").stdout


def test_a_connection_is_taken_out_of_use(acme):
    assert acme("connection", "disable", "Acme", "Okta", "--json")["changed"] is True
    assert "Okta  (out of use)" in acme("connection", "list", "Acme").stdout
    assert acme("connection", "enable", "Acme", "Okta").stdout == "Okta is in use.\n"
    assert "out of use" not in acme("connection", "list", "Acme").stdout
