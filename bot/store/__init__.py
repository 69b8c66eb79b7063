"""What is kept, and where: one SQLite file a world."""
