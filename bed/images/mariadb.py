"""mariadb:10.11"""

from bed.images.recipe import Recipe, files_of

LAYOUT = """
useradd --system --uid 999 --home-dir /var/lib/mysql --shell /usr/sbin/nologin mysql
mkdir -p /var/lib/mysql /run/mysqld /docker-entrypoint-initdb.d
chown mysql:mysql /var/lib/mysql /run/mysqld
chmod 1777 /run/mysqld  # for `user:` in a Compose file
"""

RECIPE = Recipe(
    name="mariadb:10.11",
    about="MariaDB server and client",
    packages=("mariadb-server-core", "mariadb-client-core", "mariadb-client"),
    setup=LAYOUT,
    files=files_of("mariadb"),
    entrypoint=("docker-entrypoint.sh",),
    cmd=("mariadbd",),
    ports=(3306,),
    volumes=("/var/lib/mysql",),
)
