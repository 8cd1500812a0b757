#!/bin/sh
# Runs nginx; without a certificate in /tls it makes itself one that browsers will warn about.
set -eu
if [ ! -e /tls/cert.pem ]; then
    host=$(printf %s "$EXCHANGE_PAGE" | sed 's|^https://||; s|[:/].*||')
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj "/CN=$host" \
        -addext "subjectAltName=DNS:$host" -keyout /tls/key.pem -out /tls/cert.pem 2>/dev/null
fi
exec nginx -c /etc/exchange/nginx.conf
