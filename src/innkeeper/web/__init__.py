"""The pages: one file a noun. Each is a GET address; what is done on one is a form, and a call of the API's table."""
