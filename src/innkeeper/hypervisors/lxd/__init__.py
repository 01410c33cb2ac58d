"""LXD and Incus: one REST API, spoken over HTTPS with a client certificate."""
