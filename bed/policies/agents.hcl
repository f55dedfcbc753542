# What Consul's own agents may do: keep their own entries in the catalog, and find each other's
# services.
node_prefix "h" {
  policy = "write"
}

service_prefix "" {
  policy = "read"
}
