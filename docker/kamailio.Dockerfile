# The SIP proxy in front of the nodes of a province, with Debian's Kamailio.
# Build from the top folder: docker build --file docker/kamailio.Dockerfile --tag haichieu-kamailio .

FROM debian:bookworm-slim
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends kamailio kamailio-tls-modules \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin haichieu
COPY docker/kamailio/kamailio.cfg /etc/kamailio/kamailio.cfg
USER haichieu
STOPSIGNAL SIGTERM
CMD ["kamailio", "-f", "/etc/kamailio/kamailio.cfg", "-DD", "-E", "-m", "64", "-M", "8", "-Y", "/tmp"]
