# One image for both processes: web (the default command) and `python -m jobs`.
# A tag may be another image tomorrow. Where that matters, name it with its digest: `docker buildx imagetools inspect
# python:3.12-slim` prints it.
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1

WORKDIR /app
COPY requirements.txt ./
RUN pip install --require-hashes -r requirements.txt

# PostgreSQL refuses to run as root, and nothing else needs root either.
RUN useradd --uid 10001 --create-home cairn && install -d -o cairn -g cairn -m 0700 /data

COPY app.py alembic.ini LICENSE ./
COPY .streamlit .streamlit
COPY core core
COPY api api
COPY jobs jobs
COPY pages pages
COPY migrations migrations

USER cairn

# DATA_DIR must be writable: scratch space always, and the embedded PostgreSQL where DATABASE_URL is not set.
ENV DATA_DIR=/data
VOLUME /data

# Inside a container every address but loopback is needed to be reached at all. Cairn then refuses to start unless
# ALLOW_OPEN_ACCESS=true is set, too: that is for whoever runs the image to say, not for the image.
ENV STREAMLIT_SERVER_ADDRESS=0.0.0.0
EXPOSE 8501
STOPSIGNAL SIGTERM

HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8501/health', timeout=5)"]

CMD ["streamlit", "run", "app.py"]
