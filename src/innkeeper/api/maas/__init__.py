"""The REST API 2.0 that MAAS's clients speak."""
