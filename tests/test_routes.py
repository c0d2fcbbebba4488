"""Routes are found the short way just as Flask finds them."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect
from werkzeug.test import EnvironBuilder

from app.web import Adapter

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")
STARTS = ("", "/", "//", "/scim", "/scim/v2", "/scim/v2/", "/api/v1/", "/access/v1/", "/people/")
PORTS = ("", ":80", ":443", ":8443", ":18100", ":0", ":99999", ":00080")
HOSTS = (*(f"localhost{port}" for port in PORTS), "EXAMPLE.com", "[::1]:8000", "x y", "")
PATHS = st.builds(
    lambda start, rest: start + rest,
    st.sampled_from(STARTS),
    st.lists(st.sampled_from([*"/aB1-.%é\n\0 ~", "Users", "Groups", "evaluation"])).map("".join),
)


def _found(find: Any, request: Any) -> Any:
    """What a way makes of a request: its route and values, or what it answers in its place."""
    adapter = find(request)
    try:
        rule, values = adapter.match(return_rule=True)
    except RequestRedirect as redirect:
        return redirect.new_url
    except HTTPException as error:
        return type(error), sorted(getattr(error, "valid_methods", None) or ())
    return rule, values, adapter.server_name


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(path=PATHS, method=st.sampled_from(METHODS), host=st.sampled_from(HOSTS))
@example(path="/scim/v2/Users", method="GET", host="localhost")
@example(path="/scim/v2/Users/", method="GET", host="localhost")
@example(path="/scim/v2//Users", method="GET", host="localhost")
@example(path="/scim/v2/Users", method="TRACE", host="localhost")
def test_it_finds_what_flask_finds(app, path, method, host):
    environ = EnvironBuilder(method=method, headers={"Host": host}).get_environ()
    environ |= {"PATH_INFO": path.encode().decode("latin-1"), "QUERY_STRING": "a=b"}
    request = app.request_class(environ)
    short = _found(app.create_url_adapter, request)
    again = app.request_class(environ)
    assert short == _found(lambda it: Flask.create_url_adapter(app, it), again)
    assert request.host == again.host


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_asked_most_goes_the_short_way(app, monkeypatch):
    def usual(*_: Any, **__: Any) -> Any:
        raise AssertionError("the usual way")

    monkeypatch.setattr("werkzeug.routing.MapAdapter.match", usual)
    environ = EnvironBuilder(path="/scim/v2/Users/1", base_url="https://id.example").get_environ()
    adapter = app.create_url_adapter(app.request_class(environ))
    assert isinstance(adapter, Adapter)
    rule, values = adapter.match(return_rule=True)
    assert (rule.endpoint, values) == ("scim.serve", {"path": "Users/1"})
