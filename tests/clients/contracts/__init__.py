"""What each client insists on in MAAS's answers."""
