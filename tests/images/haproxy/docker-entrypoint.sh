#!/bin/sh
# As in the official image: HAProxy runs in the foreground, with a master.
set -e
case "$1" in
haproxy)
    shift
    set -- haproxy -W -db "$@"
    ;;
esac
exec "$@"
