FROM python:3.11-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/venv
COPY requirements.lock ./
RUN /opt/venv/bin/python -m pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE app.py ./
COPY assets assets
COPY chocofactory chocofactory
COPY components components
COPY pages pages
RUN /opt/venv/bin/python -m pip install --no-deps --no-build-isolation .


FROM python:3.11-slim-bookworm

# LightGBM computes with the system's OpenMP.
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 choco \
    && useradd --uid 10001 --gid choco --no-create-home --home-dir /data --shell /usr/sbin/nologin choco \
    && install --directory --owner=choco --group=choco --mode=0750 /data
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY gunicorn.conf.py ./

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    CHOCO_HOST=0.0.0.0 \
    CHOCO_PORT=8050 \
    CHOCO_DATA_DIR=/data
USER choco
VOLUME /data
EXPOSE 8050
# Reads the body: a status of 200 alone could be any page.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-c", "\
import json, os, urllib.request\n\
address = 'http://127.0.0.1:' + os.environ['CHOCO_PORT'] + '/health'\n\
with urllib.request.urlopen(address, timeout=4) as answer:\n\
    assert json.load(answer)['status'] == 'alive'\n\
"]
CMD ["gunicorn", "-c", "gunicorn.conf.py", "app:server"]
