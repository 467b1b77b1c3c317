# The application: switchboard, web, and every `haichieu` command, from the locked libraries alone.
# Python 3.12 is the newest that pjsua2 exists for: `haichieu speaker` works in this image on x86-64.
# Build from the top folder: docker build --file docker/app.Dockerfile --tag haichieu-app .

FROM python:3.12-slim-trixie AS build
RUN python -m venv /opt/haichieu
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /source
COPY docker/runtime.lock docker/
RUN /opt/haichieu/bin/pip install --require-hashes --requirement docker/runtime.lock
COPY pyproject.toml README.md LICENSE ./
COPY haichieu haichieu
COPY dialplans dialplans
COPY broadcast_bridge broadcast_bridge
COPY feedback feedback
COPY ivr ivr
COPY admin admin
RUN /opt/haichieu/bin/pip install --no-deps --no-build-isolation .
RUN HAICHIEU_ASR_MODEL=/opt/haichieu-speech /opt/haichieu/bin/haichieu model --fetch

FROM python:3.12-slim-trixie
COPY docker/system-packages.txt docker/install-system-packages /usr/local/share/haichieu/
RUN /usr/local/share/haichieu/install-system-packages run && rm -rf /var/lib/apt/lists/*
# The number is the same in the Asterisk image: the two share the station's home.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/haichieu --shell /usr/sbin/nologin haichieu \
    && install --directory --owner haichieu --group haichieu --mode 0750 /var/lib/haichieu
COPY --from=build /opt/haichieu /opt/haichieu
COPY --from=build /opt/haichieu-speech /opt/haichieu-speech
ENV PATH=/opt/haichieu/bin:$PATH PYTHONUNBUFFERED=1 HAICHIEU_HOME=/var/lib/haichieu \
    HAICHIEU_ASR_MODEL=/opt/haichieu-speech
USER haichieu
WORKDIR /var/lib/haichieu
VOLUME /var/lib/haichieu
ENTRYPOINT ["haichieu"]
CMD ["--help"]
