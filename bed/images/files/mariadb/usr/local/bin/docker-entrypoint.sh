#!/bin/bash
# Starts MariaDB. On the first start it makes the data directory, the accounts and the database.
#
# Settings, each also as MYSQL_… and as …_FILE (a file that holds the value):
#   MARIADB_ROOT_PASSWORD | MARIADB_RANDOM_ROOT_PASSWORD | MARIADB_ALLOW_EMPTY_ROOT_PASSWORD
#   MARIADB_DATABASE  MARIADB_USER  MARIADB_PASSWORD  MARIADB_ROOT_HOST
# and what lies in /docker-entrypoint-initdb.d (*.sql, *.sql.gz, *.sh) runs once, in order.
set -euo pipefail

data=/var/lib/mysql
socket=/run/mysqld/mysqld.sock
unfinished=$data/.first-start

say() { echo "entrypoint: $*" >&2; }

# setting NAME: its value from the environment or a file; nothing when it isn't set
setting() {
    local name value
    for name in "MARIADB_$1" "MYSQL_$1"; do
        if value=$(printenv "$name"); then
            printf %s "$value"
            return
        fi
        if value=$(printenv "${name}_FILE"); then
            cat "$value"
            return
        fi
    done
}

# as a string of SQL, whatever is in it
quoted() {
    local text=${1//\\/\\\\}
    printf "'%s'" "${text//\'/\'\'}"
}

accounts() {
    local password database user user_password host
    password=$1
    database=$(setting DATABASE) user=$(setting USER) user_password=$(setting PASSWORD)
    host=$(setting ROOT_HOST)
    echo "SET @@SESSION.SQL_LOG_BIN = 0;"
    echo "ALTER USER root@localhost IDENTIFIED BY $(quoted "$password");"
    echo "CREATE USER root@$(quoted "${host:-%}") IDENTIFIED BY $(quoted "$password");"
    echo "GRANT ALL ON *.* TO root@$(quoted "${host:-%}") WITH GRANT OPTION;"
    local health=$2 at
    for at in localhost 127.0.0.1 ::1; do
        echo "CREATE USER healthcheck@'$at' IDENTIFIED BY $(quoted "$health");"
    done
    if [ -n "$database" ]; then
        echo "CREATE DATABASE \`${database//\`/\`\`}\`;"
    fi
    if [ -n "$user" ]; then
        echo "CREATE USER $(quoted "$user")@'%' IDENTIFIED BY $(quoted "$user_password");"
        if [ -n "$database" ]; then
            # in GRANT the name is a pattern, where _ would stand for any character
            local pattern=${database//_/\\_}
            echo "GRANT ALL ON \`${pattern//\`/\`\`}\`.* TO $(quoted "$user")@'%';"
        fi
    fi
    echo "FLUSH PRIVILEGES;"
}

root_password() {
    local password
    password=$(setting ROOT_PASSWORD)
    if [ -z "$password" ] && [ -n "$(setting RANDOM_ROOT_PASSWORD)" ]; then
        password=$(random)
        say "the generated root password is $password"
    elif [ -z "$password" ] && [ -z "$(setting ALLOW_EMPTY_ROOT_PASSWORD)" ]; then
        say "this database is new and has no root password: set MARIADB_ROOT_PASSWORD," \
            "MARIADB_RANDOM_ROOT_PASSWORD=1 or MARIADB_ALLOW_EMPTY_ROOT_PASSWORD=1"
        exit 1
    fi
    printf %s "$password"
}

random() { head -c 24 /dev/urandom | base64 | tr -d '+/='; }

await_server() {
    for _ in $(seq 300); do
        mariadb-admin --no-defaults --socket="$socket" -uroot ping &>/dev/null && return
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    say "the server did not come up for its first settings"
    exit 1
}

run_script() {
    say "running $1"
    case $1 in
        *.sh) bash "$1" ;;
        *.sql) "${client[@]}" <"$1" ;;
        *.sql.gz) gunzip -c "$1" | "${client[@]}" ;;
        *) say "$1 is neither .sh nor .sql: left alone" ;;
    esac
}

first_start() {
    local root health script server database
    root=$(root_password)
    health=$(random)
    say "making the data directory"
    find "$data" -mindepth 1 -delete
    touch "$unfinished"
    mariadb-install-db --datadir="$data" --skip-test-db --skip-name-resolve \
        --auth-root-authentication-method=normal >/dev/null
    mariadbd --skip-networking &
    server=$!
    await_server
    accounts "$root" "$health" | mariadb --no-defaults --socket="$socket" -uroot
    (umask 077 && printf '[client]\nuser=healthcheck\npassword=%s\n' "$health" \
        >"$data/.healthcheck.cnf")
    export MYSQL_PWD=$root
    database=$(setting DATABASE)
    client=(mariadb --no-defaults --socket="$socket" -uroot ${database:+"$database"})
    for script in /docker-entrypoint-initdb.d/*; do
        if [ -f "$script" ]; then
            run_script "$script"
        fi
    done
    mariadb-admin --no-defaults --socket="$socket" -uroot shutdown
    unset MYSQL_PWD
    wait "$server"
    rm "$unfinished"
    say "the database is ready for its first real start"
}

case "${1:-}" in
    -*) set -- mariadbd "$@" ;;
    mysqld) set -- mariadbd "${@:2}" ;;
esac

if [ "${1:-}" = mariadbd ]; then
    if [ "$(id -u)" = 0 ]; then
        mkdir -p /run/mysqld
        find "$data" /run/mysqld ! -user mysql -exec chown mysql:mysql {} +
        exec setpriv --reuid=mysql --regid=mysql --init-groups -- "$0" "$@"
    fi
    # A first start that was killed halfway leaves its mark, and begins again.
    if [ -e "$unfinished" ] || [ ! -d "$data/mysql" ]; then
        first_start
    fi
fi
exec "$@"
