#!/bin/sh
# Looks at a host that is to join the cluster, and changes nothing. Prints a line for each thing: a
# word, a tab, and what was found.
#
#   sh look.sh ADDRESS [HOST:PORT]…    ADDRESS is the host's own, each HOST:PORT is tried from here
set -u
address=$1
shift

say() { printf '%s\t%s\n' "$1" "$2"; }

say user "$(id -u)"
say time "$(date +%s.%N)"

if command -v systemctl >/dev/null; then
	say start "$(systemctl show docker --property ExecStart --value |
		sed -n 's/.*argv\[\]=\(.*\) ; ignore_errors=.*/\1/p')"
fi
settings=/etc/docker/daemon.json
for word in $(systemctl show docker --property ExecStart --value 2>/dev/null); do
	case $word in
	--config-file=*) settings=${word#*=} ;;
	esac
done
say settings "$settings"
if grep -Eq '"(hosts|tls[a-z]*)"' "$settings" 2>/dev/null; then say listens "$settings"; fi
if grep -Eq '"live-restore": *true' "$settings" 2>/dev/null; then say live-restore "$settings"; fi

if ! command -v docker >/dev/null; then
	say no-docker "there is no docker command"
elif ! version=$(docker version --format '{{.Server.Version}}' 2>&1); then
	say no-docker "$(echo "$version" | tail -n 1)"
else
	say engine "$version"
	say swarm "$(docker info --format '{{.Swarm.LocalNodeState}}')"
	root=$(docker info --format '{{.DockerRootDir}}')
	say disk "$(df -Pk "$root" | awk 'NR == 2 { print $2, $4 }')"
	docker ps --format '{{.Names}}' | while read -r name; do say container "$name"; done
fi

# The interface that has the address, and how large its packets are.
link=$(ip -o addr show to "$address" 2>/dev/null | awk 'NR == 1 { print $2 }')
if [ -n "$link" ]; then say mtu "$(cat "/sys/class/net/${link%%@*}/mtu")"; fi

for port in 2376 2377 7946 4789; do
	if ss -H -ltun "sport = :$port" 2>/dev/null | grep -q .; then say taken "$port"; fi
done

for peer in "$@"; do
	if ! command -v bash >/dev/null || ! command -v timeout >/dev/null; then
		say untried "$peer"
	elif timeout 3 bash -c "</dev/tcp/${peer%:*}/${peer##*:}" 2>/dev/null; then
		say open "$peer"
	else
		say shut "$peer"
	fi
done
