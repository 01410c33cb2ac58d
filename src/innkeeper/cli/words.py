"""The first words that are commands of this program. A profile may have any other name."""

SERVER = ("up", "createadmin", "apikey")
PROFILES = ("login", "logout", "list", "refresh", "console", "image")
