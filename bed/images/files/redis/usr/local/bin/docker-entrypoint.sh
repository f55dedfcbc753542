#!/bin/sh
# Starts Redis as its own user, reachable from other containers.
set -eu

# `command: --appendonly yes` and `command: my.conf` mean redis-server
case "${1:-}" in
    -* | *.conf) set -- redis-server "$@" ;;
esac

if [ "${1:-}" = redis-server ]; then
    if [ "$(id -u)" = 0 ]; then
        chown -R redis:redis .
        exec setpriv --reuid=redis --regid=redis --init-groups -- "$0" "$@"
    fi
    # Protected mode answers loopback only, and a container's loopback is nobody's.
    case " $* " in
        *protected-mode*) ;;
        *) set -- "$@" --protected-mode no ;;
    esac
fi
exec "$@"
