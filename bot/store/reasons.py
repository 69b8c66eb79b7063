"""How a model came to an answer, as people may see it: without the system prompt."""

import json
import sqlite3

from bot.store.prompts import quoted_by

SELECT = """
    SELECT e.prompt, e.reasoning FROM messages m JOIN exchanges e ON e.id = m.exchange_id
    WHERE m.message_id = ?
"""
SELECT_SYSTEM = """
    SELECT content FROM texts
    WHERE -id IN (SELECT value FROM json_each(?)) AND role = 'system'
"""


def carries_output(connection: sqlite3.Connection, message_id: int) -> bool:
    """Whether a message carries an output that is kept. Raises one of FAILURES."""
    return connection.execute(SELECT, (message_id,)).fetchone() is not None


def read_reasoning(connection: sqlite3.Connection, message_id: int) -> str | None:
    """The reasoning behind the output that a message carries. Raises one of FAILURES."""
    found = connection.execute(SELECT, (message_id,)).fetchone()
    if found is None or found[1] is None:
        return None
    reasoning: str = found[1]
    quoted = json.dumps([number for number in quoted_by([found[0]]) if number < 0])
    for (system,) in connection.execute(SELECT_SYSTEM, (quoted,)):
        reasoning = reasoning.replace(system, "[…]")
    return reasoning
