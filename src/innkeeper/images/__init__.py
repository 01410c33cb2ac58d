"""The files that images are made of: what they are, how one becomes another, and where they are kept."""
