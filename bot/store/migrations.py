"""The schema of a world's file, as a list of steps; `PRAGMA user_version` counts those done.

A step that was released is never changed: the next one changes what it made. The view
`training_data` is the contract with people and their scripts.
"""

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE world (kind TEXT NOT NULL, id INTEGER NOT NULL);

    CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

    -- What was said in Discord: one row a message, whoever quotes it.
    -- A deleted message keeps its row, without its text, so that no later quote brings it back.
    CREATE TABLE messages (
        id INTEGER PRIMARY KEY,
        author_id INTEGER,
        name TEXT,
        content TEXT,
        deleted INTEGER NOT NULL DEFAULT 0
    );

    -- Our own texts (system prompts), once each, by hash.
    CREATE TABLE texts (hash TEXT PRIMARY KEY, content TEXT NOT NULL) WITHOUT ROWID;

    CREATE TABLE exchanges (
        id TEXT PRIMARY KEY,
        timestamp INTEGER NOT NULL,
        room_id INTEGER,
        user_id INTEGER,
        message_id INTEGER,
        model_type TEXT NOT NULL,
        provider TEXT,
        model TEXT,
        prompt TEXT NOT NULL, -- JSON list of [role, message id] or [role, "hash of a text"]
        output TEXT,
        reasoning TEXT,
        success INTEGER NOT NULL,
        error TEXT,
        fallback_from TEXT,
        fallback_reason TEXT,
        latency_ms REAL NOT NULL,
        first_token_ms REAL,
        prompt_tokens INTEGER,
        completion_tokens INTEGER
    );
    CREATE INDEX exchanges_by_time ON exchanges (timestamp);

    -- Which Discord messages carry an exchange's output; `part` counts from 0.
    CREATE TABLE replies (
        message_id INTEGER PRIMARY KEY,
        exchange_id TEXT NOT NULL,
        part INTEGER NOT NULL
    );
    CREATE INDEX replies_by_exchange ON replies (exchange_id, part);

    -- Kept by whoever adds exchanges, in the same transaction: counting rows does not scale.
    CREATE TABLE counters (
        exchanges INTEGER NOT NULL,
        failures INTEGER NOT NULL,
        fallbacks INTEGER NOT NULL,
        last_timestamp INTEGER
    );
    INSERT INTO counters VALUES (0, 0, 0, NULL);

    CREATE VIEW training_data AS
    SELECT
        e.id,
        e.timestamp,
        (SELECT id FROM world WHERE kind = 'guild') AS guild_id,
        e.room_id,
        e.user_id,
        e.message_id,
        (SELECT r.message_id FROM replies r WHERE r.exchange_id = e.id ORDER BY r.part LIMIT 1)
            AS reply_id,
        e.model_type,
        e.provider,
        e.model,
        (
            SELECT json_group_array(json_object('role', role, 'content', content)) FROM (
                SELECT
                    json_extract(p.value, '$[0]') AS role,
                    CASE
                        WHEN m.deleted THEN '[deleted]'
                        WHEN m.name IS NOT NULL THEN m.name || ': ' || m.content
                        ELSE coalesce(m.content, t.content)
                    END AS content
                FROM json_each(e.prompt) p
                LEFT JOIN messages m ON m.id = json_extract(p.value, '$[1]')
                LEFT JOIN texts t ON t.hash = json_extract(p.value, '$[1]')
                ORDER BY p.key
            )
        ) AS input,
        e.output,
        e.reasoning,
        e.success,
        e.error,
        e.fallback_from,
        e.fallback_reason,
        e.latency_ms,
        e.first_token_ms,
        e.prompt_tokens,
        e.completion_tokens
    FROM exchanges e;
    """,
)
