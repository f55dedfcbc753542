"""haproxy:2"""

from bed.images.recipe import Recipe

RECIPE = Recipe(
    name="haproxy:2",
    about="HAProxy, which reads /etc/haproxy/haproxy.cfg",
    packages=("haproxy",),
    setup="rm -rf /etc/haproxy/haproxy.cfg /var/lib/haproxy/dev",
    cmd=("haproxy", "-db", "-f", "/etc/haproxy/haproxy.cfg"),
    stop_signal="SIGUSR1",
)
