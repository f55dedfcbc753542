"""The commands of `nap`, by what they are for, with where each stands and its help in a line.

From these tables come the help and what a shell completes, so that neither imports a command.
"""

from __future__ import annotations

SECTIONS = {
    "Apps": {
        "up": ("nap_compose.cli.up:up", "Bring an app to what its file says"),
        "plan": ("nap_compose.cli.plan:plan", "Show what up would do, and why"),
        "down": ("nap_compose.cli.down:down", "Remove an app's containers and networks"),
        "watch": ("nap_compose.cli.watch:watch", "Bring changed files to the replicas"),
        "create": ("nap_compose.cli.create:create", "Make an app's containers and start none"),
        "start": ("nap_compose.cli.start:start", "Start containers that are there"),
        "stop": ("nap_compose.cli.stop:stop", "Stop containers and let them stand"),
        "restart": ("nap_compose.cli.restart:restart", "Stop containers and start them again"),
        "pause": ("nap_compose.cli.pause:pause", "Freeze containers where they are"),
        "unpause": ("nap_compose.cli.unpause:unpause", "Let frozen containers go on"),
        "kill": ("nap_compose.cli.kill:kill", "End containers at once, or send them a signal"),
        "rm": ("nap_compose.cli.rm:rm", "Remove containers that don't run"),
        "scale": ("nap_compose.cli.scale:scale", "Run another number of replicas of a service"),
        "wait": ("nap_compose.cli.wait:wait", "Wait until containers have ended"),
        "adopt": ("nap_compose.cli.adopt:adopt", "Move in what a host's own Compose runs"),
    },
    "Looking": {
        "ps": ("nap_compose.cli.ps:ps", "List containers"),
        "ls": ("nap_compose.cli.ls:ls", "List apps"),
        "logs": ("nap_compose.cli.logs_verbs:logs", "Show what containers and deployments printed"),
        "events": (
            "nap_compose.cli.events:events",
            "Show what happens to containers, live",
        ),
        "stats": ("nap_compose.cli.stats:stats", "Show what containers use, as it changes"),
        "top": ("nap_compose.cli.top:top", "List the processes in containers"),
        "port": ("nap_compose.cli.port:port", "Show where a port is reached"),
        "images": ("nap_compose.cli.images:images", "List the images of containers"),
        "volume": ("nap_compose.cli.volume:volume", "Move a volume, or back it up"),
        "volumes": ("nap_compose.cli.volumes:volumes", "List volumes and where they lie"),
        "health": ("nap_compose.cli.health:health", "See how containers are, and keep watch"),
    },
    "In containers": {
        "exec": ("nap_compose.cli.exec:execute", "Run a command in a container"),
        "run": ("nap_compose.cli.run:run", "Run a one-off container of a service"),
        "attach": ("nap_compose.cli.attach:attach", "Talk with a container's own process"),
        "cp": ("nap_compose.cli.cp:cp", "Copy files into and out of containers"),
        "port-forward": (
            "nap_compose.cli.port_forward:port_forward",
            "Reach ports of a container from here",
        ),
        "export": ("nap_compose.cli.export:export", "Write a container's file system as a tar"),
        "commit": ("nap_compose.cli.commit:commit", "Make an image of a container"),
    },
    "Files and images": {
        "config": ("nap_compose.cli.config:config", "Check a file and show what it comes to"),
        "build": ("nap_compose.cli.build:build", "Build the images of services"),
        "pull": ("nap_compose.cli.pull:pull", "Pull images to the hosts that need them"),
        "push": ("nap_compose.cli.push:push", "Push images that were built"),
        "prune": ("nap_compose.cli.prune:prune", "Remove images and history that no app needs"),
    },
    "Revisions": {
        "history": ("nap_compose.cli.history:history", "List an app's revisions"),
        "diff": ("nap_compose.cli.diff:diff", "Show what a revision changed"),
        "rollback": ("nap_compose.cli.rollback:rollback", "Bring an app back to a revision"),
    },
    "People": {
        "login": ("nap_compose.cli.login:login", "Begin a session on the cluster"),
        "logout": ("nap_compose.cli.logout:logout", "End the session"),
        "whoami": ("nap_compose.cli.whoami:whoami", "Show whom nap takes you for"),
        "registry": ("nap_compose.cli.registry:registry", "Logins at registries, for your apps"),
        "share": ("nap_compose.cli.share:share", "Let others at an app"),
        "unshare": ("nap_compose.cli.share:unshare", "Take back what was shared"),
        "app": ("nap_compose.cli.app:app", "Show an app closely, or make it another user's"),
        "user": ("nap_compose.cli.user:user", "See who uses the cluster"),
        "quota": ("nap_compose.cli.quota:quota", "Show and set how much may be used"),
        "audit": ("nap_compose.cli.audit:audit", "List what was done, by whom"),
    },
    "The cluster": {
        "status": ("nap_compose.cli.status:status", "Show whether all is well"),
        "cluster": ("nap_compose.cli.cluster:cluster", "Make a cluster of hosts"),
        "host": ("nap_compose.cli.host:host", "Look at the cluster's hosts"),
        "rebalance": (
            "nap_compose.cli.rebalance:rebalance",
            "Spread replicas evenly over hosts",
        ),
        "doctor": ("nap_compose.cli.doctor:doctor", "Look for what is wrong with the cluster"),
        "notify": ("nap_compose.cli.notify:notify", "See that people can be told"),
        "storage": ("nap_compose.cli.storage:storage", "Look after cluster storage"),
        "db": ("nap_compose.cli.db:db", "Look after the records"),
        "backup": ("nap_compose.cli.backup:backup", "Keep all control state, and bring it back"),
    },
    "nap itself": {
        "completion": ("nap_compose.cli.completion:completion", "Print a script for your shell"),
        "help": ("nap_compose.cli.help:show_help", "Show how to use a command"),
        "version": ("nap_compose.cli.version:version", "Show nap's version"),
    },
}

COMMANDS = {name: row for section in SECTIONS.values() for name, row in section.items()}
