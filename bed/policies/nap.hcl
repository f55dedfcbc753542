# What nap's own token may do. Nothing else: ACLs deny by default.

# Everything nap keeps lies below its prefix: locks, revisions, host states, claims, health.
key_prefix "nap/" {
  policy = "write"
}

# Leases are sessions. A session belongs to the node of whichever server is asked, so any node.
session_prefix "" {
  policy = "write"
}

# Who is in the cluster and how it is: /v1/catalog/nodes, /v1/health/node.
node_prefix "" {
  policy = "read"
}

# Each host that nap watches stands in the catalog as an external node, nap-NAME, with its checks.
# The catalog takes those directly, so no right on any agent is needed.
node_prefix "nap-" {
  policy = "write"
}

# The services on those nodes carry the prefix too; others' services may be neither seen nor
# changed.
service_prefix "nap-" {
  policy = "write"
}
