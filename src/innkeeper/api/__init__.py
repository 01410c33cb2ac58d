"""What speaks HTTP: MAAS's REST API 2.0 and our own, and who may call them."""
