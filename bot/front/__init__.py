"""Discord as people see it: the client, the conversation, replies, slash commands."""
