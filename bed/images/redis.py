"""redis:7"""

from bed.images.recipe import Recipe, files_of

RECIPE = Recipe(
    name="redis:7",
    about="Redis and its command line client",
    packages=("redis-server", "redis-tools"),
    setup="mkdir -p /data && chown redis:redis /data && rm -rf /var/lib/redis /etc/redis",
    files=files_of("redis"),
    entrypoint=("docker-entrypoint.sh",),
    cmd=("redis-server",),
    ports=(6379,),
    volumes=("/data",),
    workdir="/data",
)
