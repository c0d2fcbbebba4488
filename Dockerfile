# To hold the base to what you have tried, give it with its digest:
#   docker build --build-arg BASE=python:3.13-slim@sha256:… .
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
WORKDIR /src
COPY requirements.lock pyproject.toml README.md LICENSE ./
# The environment has no pip of its own: what runs needs none.
RUN python -m venv --without-pip /venv \
    && pip --python /venv/bin/python install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes --compile -r requirements.lock
COPY app app
COPY scim scim
COPY saml saml
RUN pip --python /venv/bin/python install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation --compile .

FROM ${BASE}
# What backups of PostgreSQL are made with; leave it empty for an image without.
ARG PACKAGES=postgresql-client
RUN if [ -n "$PACKAGES" ]; then \
        apt-get update \
        && apt-get install --yes --no-install-recommends $PACKAGES \
        && rm -rf /var/lib/apt/lists/*; \
    fi \
    && groupadd --gid 10001 gatehouse \
    && useradd --no-create-home --home-dir /data --shell /usr/sbin/nologin --uid 10001 --gid 10001 gatehouse \
    && install --directory --owner gatehouse --group gatehouse --mode 700 /data /backups
COPY --from=build /venv /venv
# By number, so that Kubernetes knows that it is not root.
USER 10001:10001
WORKDIR /data
# Nothing is written but to /data: the rest may be read-only.
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    GATEHOUSE_DATA_DIR=/data \
    GATEHOUSE_HOST=0.0.0.0
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ.get(\"GATEHOUSE_PORT\", 8000)}/healthz', timeout=2)"]
ENTRYPOINT ["gatehouse"]
CMD ["serve"]
