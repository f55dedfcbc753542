"""nginx:1"""

from bed.images.recipe import Recipe, files_of

# The logs go where `docker logs` looks; Debian's own site and layout make room for the usual one.
LAYOUT = """
useradd --system --no-create-home --shell /usr/sbin/nologin nginx
rm -rf /etc/nginx/sites-* /etc/nginx/conf.d /etc/nginx/snippets /var/www
mkdir -p /etc/nginx/conf.d /usr/share/nginx/html
ln -sf /dev/stdout /var/log/nginx/access.log
ln -sf /dev/stderr /var/log/nginx/error.log
"""

RECIPE = Recipe(
    name="nginx:1",
    about="nginx, with its pages in /usr/share/nginx/html",
    packages=("nginx-light",),
    setup=LAYOUT,
    files=files_of("nginx"),
    cmd=("nginx", "-g", "daemon off;"),
    ports=(80,),
    stop_signal="SIGQUIT",
)
