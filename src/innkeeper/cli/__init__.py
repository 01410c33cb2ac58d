"""The command line. Remote commands speak HTTP only; nothing here imports the server unless it runs it."""
