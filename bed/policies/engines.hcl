# What the engines' token may do: share their overlay networks (--cluster-store).

# libnetwork and the engines' own discovery keep everything here.
key_prefix "docker/" {
  policy = "write"
}

# An engine that is gone must go from the list: its entry hangs on a session.
session_prefix "" {
  policy = "write"
}
