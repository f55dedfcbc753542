#!/bin/sh
# Lets this host's Docker engine listen on TLS, where only nap's own certificate opens.
#
#   sh set-up.sh                puts the certificates and the engine's settings in place
#   sh set-up.sh restart        the same, and restarts the engine, which makes it so; it refuses
#                               where containers would stop
#   sh set-up.sh restart stop   the same, though containers stop; they are started again
#   sh set-up.sh undo           takes all of that away, and restarts the engine where no container
#                               stops by that
#
# Run it as root, beside ca.pem, cert.pem and key.pem. It can be run again.
set -eu
cd "$(dirname "$0")"

keys=/etc/docker/nap
folder=/etc/systemd/system/docker.service.d
flags="-H tcp://0.0.0.0:2376 --tlsverify"
flags="$flags --tlscacert=$keys/ca.pem --tlscert=$keys/cert.pem --tlskey=$keys/key.pem"
settings=/etc/docker/daemon.json

fail() {
	echo "$*" >&2
	exit 1
}

# How systemd starts the engine, as one line: the program and its words.
command_line() {
	systemctl show docker --property ExecStart --value |
		sed -n 's/.*argv\[\]=\(.*\) ; ignore_errors=.*/\1/p'
}

[ "$(id -u)" = 0 ] || fail "run it as root"
command -v systemctl >/dev/null ||
	fail "systemd doesn't start this engine: start it with $flags -H unix:///var/run/docker.sock"

started=$(command_line)
[ -n "$started" ] || fail "there is no docker.service here: is the engine installed?"
for word in $started; do
	case $word in
	--config-file=*) settings=${word#*=} ;;
	esac
done

kept=$settings.before-nap

own_settings() {
	[ -e "$kept" ] || return 0
	if [ -s "$kept" ]; then mv "$kept" "$settings"; else rm -f "$settings" "$kept"; fi
}
own_settings # a call that was killed may have left others

if grep -Eq '"(hosts|tls[a-z]*)"' "$settings" 2>/dev/null; then
	fail "$settings says where the engine listens: take hosts and tls* out of it"
fi
if grep -Eq '"live-restore": *true' "$settings" 2>/dev/null; then
	fail "$settings turns live-restore on, which no engine of a swarm may have"
fi

put_away() {
	rm -rf "$keys" "$folder/nap.conf"
	systemctl daemon-reload
}

put_in_place() {
	install -d -m 0700 "$keys"
	install -m 0600 ca.pem cert.pem key.pem "$keys"
	case $started in
	*"$keys"*) return ;; # nap's own words are in it already
	esac
	# Without any -H the engine listens on its socket; with one, only where it is told.
	case " $started " in
	*" -H"* | *" --host"*) ;;
	*) started="$started -H unix:///var/run/docker.sock" ;;
	esac
	install -d -m 0755 "$folder"
	printf '[Service]\nExecStart=\nExecStart=%s %s\n' "$started" "$flags" >"$folder/nap.conf"
	systemctl daemon-reload
}

listens="listens on port 2376"
case ${1-} in
undo)
	put_away
	listens="listens on its socket alone"
	;;
restart) put_in_place ;;
*)
	put_in_place
	echo "restart the engine to make it so: systemctl restart docker"
	exit 0
	;;
esac

# An engine with live-restore leaves its containers alone when it ends. One of a swarm may not have
# it, so it is on for this restart alone, by a file of settings that stands for the person's own.
live_restore() {
	rest=$(tr '\n' ' ' <"$kept" | sed 's/^[[:space:]]*{//
		s/}[[:space:]]*$//
		s/"live-restore"[[:space:]]*:[[:space:]]*false[[:space:]]*,\{0,1\}//
		s/,\{0,1\}[[:space:]]*$//')
	printf '{"live-restore": %s%s %s}\n' "$1" "${rest:+,}" "$rest" >"$settings"
	systemctl reload docker || return 1
	tries=0
	until [ "$(docker info --format '{{.LiveRestoreEnabled}}')" = "$1" ]; do
		tries=$((tries + 1))
		[ $tries -lt 50 ] || return 1
		sleep 0.1
	done
}

# shellcheck disable=SC2317 # it is called when the script ends
as_it_was() {
	live_restore false || echo "live-restore may still be on: systemctl restart docker" >&2
	own_settings
}

running=$(docker ps --quiet --no-trunc)
count=$(printf '%s' "$running" | grep -c . || true)
fate="nothing ran there"
if [ "$count" -gt 0 ]; then
	if [ "$(docker info --format '{{.Swarm.LocalNodeState}}')" = inactive ]; then
		if [ -f "$settings" ]; then cp -p "$settings" "$kept"; else : >"$kept"; fi
		trap as_it_was EXIT
		live_restore true || fail "$settings can't be changed for the restart: nothing was restarted"
		fate="its $count containers ran on"
	elif [ "${2-}" = stop ]; then
		fate="its $count containers were stopped and started again"
	else
		fail "a restart would stop $count containers: $(docker ps --format '{{.Names}}' | tr '\n' ' ')"
	fi
fi

systemctl restart docker

for each in $running; do
	tries=0
	until [ "$(docker inspect --format '{{.State.Running}}' "$each" 2>/dev/null)" != false ] ||
		docker start "$each" >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ $tries -lt 30 ] || fail "the engine was restarted, but $each can't be started again"
		sleep 1
	done
done
echo "the engine was restarted and $listens; $fate"
