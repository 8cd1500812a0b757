# One image for the NATS server and every worker; docker-compose.yml says which is which.
FROM python:3.13-slim AS build
COPY . /source
RUN pip install --no-cache-dir --prefix=/installed --require-hashes --requirement /source/requirements.lock \
 && pip install --no-cache-dir --prefix=/installed --no-deps /source

FROM python:3.13-slim
COPY --from=build /installed /usr/local
COPY docker/prepare.py /usr/local/share/exchange/prepare.py
RUN useradd --system --uid 10001 exchange && install --directory --owner=exchange --mode=0700 /data
# Without this a folder called `exchange` in the working directory would win over the installed package.
ENV PYTHONSAFEPATH=1
USER exchange
WORKDIR /data
VOLUME /data
