"""The test kit: a house in this process, a server in its own, databases, and a client that signs its requests."""
