"""Understudy: a Discord bot that hosts an agent, and the model that is learning its part."""
