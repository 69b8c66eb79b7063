"""How a model came to an answer, as people may see it: without the system prompt."""

import sqlite3

SELECT = """
    SELECT e.id, e.reasoning FROM messages m JOIN exchanges e ON e.id = m.exchange_id
    WHERE m.message_id = ?
"""
SELECT_SYSTEM = """
    SELECT t.content FROM exchanges e, json_each(e.prompt) p JOIN texts t
    ON t.id = -CASE p.type WHEN 'array' THEN json_extract(p.value, '$[0]') ELSE p.value END
    WHERE e.id = ? AND t.role = 'system'
"""


def read_reasoning(connection: sqlite3.Connection, message_id: int) -> str | None:
    """The reasoning behind the output that a message carries. Raises one of FAILURES."""
    found = connection.execute(SELECT, (message_id,)).fetchone()
    if found is None or found[1] is None:
        return None
    reasoning: str = found[1]
    for (system,) in connection.execute(SELECT_SYSTEM, (found[0],)):
        reasoning = reasoning.replace(system, "[…]")
    return reasoning
