"""The native JSON API, typed and described by OpenAPI."""
