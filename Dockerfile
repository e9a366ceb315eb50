# One image for every service: docker build --build-arg SERVICE=gateway .
# Needs BuildKit, which every current Docker and Podman has.

FROM python:3.11-slim AS build
ARG SERVICE
ARG PACKAGE=colloquy-${SERVICE}
ENV UV_PROJECT_ENVIRONMENT=/app UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_PYTHON_DOWNLOADS=never
RUN --mount=type=cache,target=/root/.cache/pip pip install --root-user-action=ignore uv
# The gateway carries the web page, built with Node from a Python package that only this step installs.
RUN --mount=type=cache,target=/root/.cache/uv \
    --mount=type=cache,target=/root/.npm \
    --mount=type=bind,target=/source,rw \
    if [ "$SERVICE" = gateway ]; then \
        UV_PROJECT_ENVIRONMENT=/node uv sync --project /source --frozen --only-group page \
        && /node/bin/python /source/cli/src/colloquy/webpage.py; \
    fi \
    && uv sync --project /source --frozen --no-dev --no-editable --package "$PACKAGE"

FROM python:3.11-slim
ARG SERVICE
# What speaks; nothing else is in it.
RUN if [ "$SERVICE" = transcribe ]; then \
        apt-get update && apt-get install --yes --no-install-recommends libflite1 && rm -rf /var/lib/apt/lists/*; \
    fi
# The folders belong to the user, and so do the volumes that are made from them.
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin colloquy \
    && install --directory --owner=colloquy --group=colloquy --mode=0700 /data \
        /setup/admin /setup/nats /setup/store /setup/gateway /setup/memory /setup/inference /setup/transcribe /setup/workflow
COPY --from=build /app /app
COPY deploy/healthcheck.py /app/healthcheck.py
ENV PATH=/app/bin:$PATH SERVICE=$SERVICE PYTHONUNBUFFERED=1 METRICS_PORT=9464
USER 10001:10001
WORKDIR /data
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-I", "/app/healthcheck.py"]
ENTRYPOINT ["sh", "-c", "exec python -P -m \"$SERVICE\" \"$@\"", "--"]
