"""The floor: a Flask application that does nothing but answer."""

from __future__ import annotations

import json

from flask import Flask


def create() -> Flask:
    app = Flask(__name__)

    @app.get("/")
    def hello() -> dict[str, str]:
        return {"hello": "world"}

    print(json.dumps({"base": ""}), flush=True)
    return app
