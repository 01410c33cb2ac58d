"""The only SQL: SQLAlchemy Core, one module a noun. Functions take the connection of the caller's transaction."""
