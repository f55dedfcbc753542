#!/bin/sh
# Lays WordPress into /var/www/html when nothing is there yet, then starts Apache.
# What it needs to know it reads from WORDPRESS_…: see wp-config.php.
set -eu

site=/var/www/html

if [ "${1:-}" = apache2-foreground ] && [ ! -e "$site/wp-includes/version.php" ]; then
    echo "entrypoint: copying WordPress to $site" >&2
    # a file of the user's own that is mounted in there stays
    cp -a --no-clobber /usr/src/wordpress/. "$site/"
    chown www-data:www-data "$site"
fi
exec "$@"
