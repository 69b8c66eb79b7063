"""A page to chat in: static files, and the people that its visitor can be."""
