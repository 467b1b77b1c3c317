# The media engine alone: Asterisk 22 from Debian unstable, the only Debian that has it.
# Everything it reads and writes is in the station's home; `haichieu asterisk --render` puts its files there.
# Build from the top folder: docker build --file docker/asterisk.Dockerfile --tag haichieu-asterisk .

FROM debian:unstable-slim
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends asterisk asterisk-modules \
    && rm -rf /var/lib/apt/lists/*
# One path on every processor architecture, so that the rendered configuration does not depend on it.
RUN mkdir /opt/asterisk \
    && ln -s /usr/lib/*-linux-gnu*/asterisk/modules /opt/asterisk/modules \
    && ln -s /usr/share/asterisk /opt/asterisk/data
# The number is the same in the application's image: the two share the station's home.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/haichieu --shell /usr/sbin/nologin haichieu \
    && install --directory --owner haichieu --group haichieu --mode 0750 /var/lib/haichieu
USER haichieu
WORKDIR /var/lib/haichieu
VOLUME /var/lib/haichieu
STOPSIGNAL SIGTERM
CMD ["asterisk", "-f", "-C", "/var/lib/haichieu/etc/asterisk.conf"]
