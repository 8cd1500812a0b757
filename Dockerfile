# `market`: the NATS server and every worker; docker-compose.yml says which is which. `proxy`: nginx in front of them.
FROM python:3.13-slim AS build
COPY . /source
RUN pip install --no-cache-dir --prefix=/installed --require-hashes --requirement /source/requirements.lock \
 && pip install --no-cache-dir --prefix=/installed --no-deps /source

FROM python:3.13-slim AS market
COPY --from=build /installed /usr/local
COPY deploy/docker/prepare.py deploy/docker/server.py /usr/local/share/exchange/
RUN useradd --system --uid 10001 exchange && install --directory --owner=exchange --mode=0700 /data /state
# Without PYTHONSAFEPATH a folder called `exchange` in the working directory would win over the installed package.
ENV PYTHONSAFEPATH=1 PYTHONUNBUFFERED=1 EXCHANGE_DATA=/data EXCHANGE_STATE=/state
USER exchange
WORKDIR /state

FROM debian:bookworm-slim AS proxy
RUN apt-get update && apt-get install --yes --no-install-recommends nginx-light openssl && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 exchange && install --directory --owner=exchange --mode=0700 /tls
COPY deploy/docker/nginx.conf deploy/docker/upstreams.conf deploy/docker/proxy.sh /etc/exchange/
USER exchange
CMD ["/etc/exchange/proxy.sh"]
