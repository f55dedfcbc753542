"""busybox:1: two megabytes: what tests start when they only need a container."""

from bed.images.recipe import Recipe

# busybox lists its own name too, and must not become a link to itself
LINKS = """
/bin/busybox mkdir -p /bin /etc /home /root /tmp /usr/bin /usr/sbin /var/www
/bin/busybox chmod 1777 /tmp
for applet in $(/bin/busybox --list); do
  test "$applet" = busybox || /bin/busybox ln -sf busybox "/bin/$applet"
done
printf 'root:x:0:0:root:/root:/bin/sh\\nnobody:x:65534:65534:nobody:/:/bin/false\\n' > /etc/passwd
printf 'root:x:0:\\nnogroup:x:65534:\\n' > /etc/group
"""

RECIPE = Recipe(
    name="busybox:1",
    about="busybox, linked statically",
    parent=None,
    variant="extract",
    packages=("busybox-static",),
    shell=("/bin/busybox", "sh"),
    setup=LINKS,
    cmd=("sh",),
)
