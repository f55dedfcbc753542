#!/bin/bash
# Says whether the database is up: every test that is asked for must pass.
#   --connect             a client gets in over TCP (the first start listens on no port)
#   --innodb_initialized  the storage engine has loaded
set -euo pipefail

ask() {
    mariadb --defaults-extra-file=/var/lib/mysql/.healthcheck.cnf \
        --connect-timeout=3 --skip-column-names "$@"
}

connect() { ask --protocol=tcp --host=127.0.0.1 --execute='SELECT 1' >/dev/null; }

innodb_initialized() {
    [ "$(ask --execute="SELECT COUNT(*) FROM information_schema.ENGINES
        WHERE engine = 'InnoDB' AND support IN ('YES', 'DEFAULT')")" = 1 ]
}

if [ $# = 0 ]; then
    set -- --connect
fi
for test in "$@"; do
    case $test in
        --connect) connect ;;
        --innodb_initialized) innodb_initialized ;;
        *) echo "healthcheck.sh knows no test $test" >&2 && exit 2 ;;
    esac
done
