"""wordpress:6"""

from bed.images.recipe import Recipe, files_of

# Debian spreads WordPress over /usr/share and /var/lib; here it becomes one folder, with the
# files that Debian links to copied in, ready to be laid into /var/www/html.
LAYOUT = """
rm -f /usr/share/wordpress/wp-config.php /usr/share/wordpress/.htaccess
mkdir -p /usr/src
cp -rL /usr/share/wordpress /usr/src/wordpress
cp -rL /var/lib/wordpress/wp-content/. /usr/src/wordpress/wp-content
chown -R www-data:www-data /usr/src/wordpress
rm -rf /usr/share/wordpress /var/lib/wordpress /var/www/html
mkdir -p /var/www/html
chown www-data:www-data /var/www/html
ln -sf /dev/stdout /var/log/apache2/access.log
ln -sf /dev/stdout /var/log/apache2/other_vhosts_access.log
ln -sf /dev/stderr /var/log/apache2/error.log
a2enmod -q rewrite
"""

RECIPE = Recipe(
    name="wordpress:6",
    about="WordPress, Apache and PHP",
    packages=("apache2", "libapache2-mod-php", "wordpress", "wordpress-theme-twentytwentythree"),
    setup=LAYOUT,
    files=files_of("wordpress"),
    entrypoint=("docker-entrypoint.sh",),
    cmd=("apache2-foreground",),
    ports=(80,),
    volumes=("/var/www/html",),
    workdir="/var/www/html",
    stop_signal="SIGWINCH",
)
