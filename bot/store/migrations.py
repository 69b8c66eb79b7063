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
    """
    -- Numbers of this file's own in place of ids and hashes, and one order of time: with the
    -- contexts of a busy channel overlapping, references would outweigh the words otherwise.
    DROP VIEW training_data;
    ALTER TABLE messages RENAME TO messages_1;
    ALTER TABLE texts RENAME TO texts_1;
    ALTER TABLE exchanges RENAME TO exchanges_1;
    DROP INDEX exchanges_by_time;

    CREATE TABLE messages (
        id INTEGER PRIMARY KEY, -- what prompts refer to
        message_id INTEGER NOT NULL UNIQUE, -- Discord's
        author_id INTEGER,
        role TEXT NOT NULL,
        name TEXT,
        content TEXT,
        state INTEGER NOT NULL DEFAULT 0, -- 0 kept, 1 deleted, 2 withheld
        seen_at INTEGER NOT NULL DEFAULT 0, -- when this text was read
        -- A message of the bot's that carries an output, or the part of it from `start` on.
        exchange_id INTEGER,
        start INTEGER,
        length INTEGER,
        subject_id INTEGER -- whom a message of the bot's answered, where that is known
    );
    CREATE INDEX messages_by_exchange ON messages (exchange_id) WHERE exchange_id IS NOT NULL;

    CREATE TABLE texts (
        id INTEGER PRIMARY KEY, -- prompts refer to it by the negative
        hash BLOB NOT NULL UNIQUE,
        role TEXT NOT NULL,
        content TEXT NOT NULL
    );

    CREATE TABLE exchanges (
        id INTEGER PRIMARY KEY, -- a snowflake, so in order of time
        timestamp INTEGER NOT NULL,
        room_id INTEGER,
        user_id INTEGER,
        message_id INTEGER,
        reply_id INTEGER,
        model_type TEXT NOT NULL,
        provider TEXT,
        model TEXT,
        prompt TEXT NOT NULL, -- JSON list of references, or [reference, role] where it is another
        output TEXT,
        reasoning TEXT,
        finish_reason TEXT,
        success INTEGER NOT NULL,
        error TEXT,
        fallback_from TEXT,
        fallback_reason TEXT,
        latency_ms REAL NOT NULL,
        first_token_ms REAL,
        prompt_tokens INTEGER,
        completion_tokens INTEGER
    );

    -- By the message that was voted on; `exchange_id` once it is known which output that carries.
    CREATE TABLE votes (
        message_id INTEGER NOT NULL,
        user_id INTEGER NOT NULL,
        value INTEGER NOT NULL, -- 1 or -1
        timestamp INTEGER NOT NULL,
        exchange_id INTEGER,
        PRIMARY KEY (message_id, user_id)
    ) WITHOUT ROWID;
    CREATE INDEX votes_by_exchange ON votes (exchange_id) WHERE exchange_id IS NOT NULL;

    -- What a person would rather have read in place of an output.
    CREATE TABLE demonstrations (
        message_id INTEGER NOT NULL,
        user_id INTEGER NOT NULL,
        content TEXT NOT NULL,
        timestamp INTEGER NOT NULL,
        PRIMARY KEY (message_id, user_id)
    ) WITHOUT ROWID;

    CREATE TABLE consents (
        user_id INTEGER PRIMARY KEY,
        recorded INTEGER NOT NULL, -- 1 agreed, 0 objected
        timestamp INTEGER NOT NULL
    );

    -- The rooms in which people were told that they are recorded.
    CREATE TABLE notices (room_id INTEGER PRIMARY KEY, timestamp INTEGER NOT NULL);

    INSERT INTO messages (message_id, author_id, role, name, content, state)
    SELECT m.id, m.author_id, coalesce(
        (
            SELECT json_extract(p.value, '$[0]') FROM exchanges_1 e, json_each(e.prompt) p
            WHERE json_extract(p.value, '$[1]') = m.id LIMIT 1
        ), 'user'
    ), m.name, m.content, m.deleted
    FROM messages_1 m ORDER BY m.id;

    INSERT INTO texts (hash, role, content)
    SELECT CAST(t.hash AS BLOB) || p.role, p.role, t.content
    FROM texts_1 t JOIN (
        SELECT DISTINCT json_extract(p.value, '$[0]') AS role, json_extract(p.value, '$[1]') AS hash
        FROM exchanges_1 e, json_each(e.prompt) p
    ) p ON p.hash = t.hash;

    CREATE TEMP TABLE numbers AS
    SELECT id AS old, ((timestamp - 1420070400000) << 22)
        + row_number() OVER (ORDER BY timestamp, id) AS new
    FROM exchanges_1;

    INSERT INTO exchanges SELECT
        n.new, e.timestamp, e.room_id, e.user_id, e.message_id,
        (SELECT r.message_id FROM replies r WHERE r.exchange_id = e.id ORDER BY r.part LIMIT 1),
        e.model_type, e.provider, e.model,
        (
            SELECT json_group_array(CASE WHEN coalesce(m.role, t.role) = p.role
                THEN coalesce(m.id, -t.id) ELSE json_array(coalesce(m.id, -t.id), p.role) END)
            FROM (
                SELECT key, json_extract(value, '$[0]') AS role, json_extract(value, '$[1]') AS ref
                FROM json_each(e.prompt) ORDER BY key
            ) p
            LEFT JOIN messages m ON m.message_id = p.ref
            LEFT JOIN texts t ON t.hash = CAST(p.ref AS BLOB) || p.role
        ),
        e.output, e.reasoning, NULL, e.success, e.error, e.fallback_from, e.fallback_reason,
        e.latency_ms, e.first_token_ms, e.prompt_tokens, e.completion_tokens
    FROM exchanges_1 e JOIN numbers n ON n.old = e.id ORDER BY n.new;

    INSERT INTO messages (message_id, role, exchange_id)
    SELECT r.message_id, 'assistant', n.new FROM replies r JOIN numbers n ON n.old = r.exchange_id
    WHERE true ON CONFLICT (message_id) DO UPDATE SET exchange_id = excluded.exchange_id;

    DROP TABLE numbers;
    DROP TABLE messages_1;
    DROP TABLE texts_1;
    DROP TABLE exchanges_1;
    DROP TABLE replies;
    ALTER TABLE counters ADD COLUMN thumbs_up INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE counters ADD COLUMN thumbs_down INTEGER NOT NULL DEFAULT 0;

    -- Votes on answers that are known; whoever adds, moves or deletes votes need not count.
    CREATE TRIGGER votes_added AFTER INSERT ON votes WHEN new.exchange_id IS NOT NULL BEGIN
        UPDATE counters SET thumbs_up = thumbs_up + (new.value > 0),
            thumbs_down = thumbs_down + (new.value < 0);
    END;
    CREATE TRIGGER votes_placed AFTER UPDATE OF exchange_id ON votes
    WHEN (old.exchange_id IS NULL) <> (new.exchange_id IS NULL) BEGIN
        UPDATE counters SET
            thumbs_up = thumbs_up + (new.value > 0) * iif(new.exchange_id IS NULL, -1, 1),
            thumbs_down = thumbs_down + (new.value < 0) * iif(new.exchange_id IS NULL, -1, 1);
    END;
    CREATE TRIGGER votes_gone AFTER DELETE ON votes WHEN old.exchange_id IS NOT NULL BEGIN
        UPDATE counters SET thumbs_up = thumbs_up - (old.value > 0),
            thumbs_down = thumbs_down - (old.value < 0);
    END;

    -- How many texts were taken out, and how many of them the last VACUUM came after: secure_delete
    -- alone leaves copies behind in pages whose rows were moved (see bot/store/erasing.py).
    ALTER TABLE counters ADD COLUMN erasures INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE counters ADD COLUMN wiped INTEGER NOT NULL DEFAULT 0;
    CREATE TRIGGER message_erased AFTER UPDATE OF content ON messages
    WHEN old.content IS NOT NULL AND new.content IS NOT old.content
    BEGIN UPDATE counters SET erasures = erasures + 1; END;
    CREATE TRIGGER message_removed AFTER DELETE ON messages WHEN old.content IS NOT NULL
    BEGIN UPDATE counters SET erasures = erasures + 1; END;
    CREATE TRIGGER output_erased AFTER UPDATE OF output, reasoning ON exchanges
    WHEN old.output IS NOT new.output OR old.reasoning IS NOT new.reasoning
    BEGIN UPDATE counters SET erasures = erasures + 1; END;
    CREATE TRIGGER exchange_removed AFTER DELETE ON exchanges
    BEGIN UPDATE counters SET erasures = erasures + 1; END;
    CREATE TRIGGER demonstration_removed AFTER DELETE ON demonstrations
    BEGIN UPDATE counters SET erasures = erasures + 1; END;

    CREATE VIEW training_data AS
    SELECT
        e.id,
        e.timestamp,
        (SELECT id FROM world WHERE kind = 'guild') AS guild_id,
        e.room_id,
        e.user_id,
        e.message_id,
        e.reply_id,
        e.model_type,
        e.provider,
        e.model,
        (
            SELECT json_group_array(json_object('role', role, 'content', CASE
                WHEN state = 1 THEN '[deleted]'
                WHEN state = 2 THEN '[not recorded]'
                WHEN content IS NULL THEN '[deleted]'
                WHEN name IS NOT NULL THEN name || ': ' || content
                ELSE content
            END)) FROM (
                SELECT
                    CASE p.type WHEN 'array' THEN json_extract(p.value, '$[1]')
                        ELSE coalesce(m.role, t.role) END AS role,
                    m.state,
                    m.name,
                    coalesce(m.content, substr(o.output, m.start, m.length), t.content) AS content
                FROM json_each(e.prompt) p
                LEFT JOIN messages m ON m.id =
                    CASE p.type WHEN 'array' THEN json_extract(p.value, '$[0]') ELSE p.value END
                LEFT JOIN texts t ON t.id =
                    -CASE p.type WHEN 'array' THEN json_extract(p.value, '$[0]') ELSE p.value END
                LEFT JOIN exchanges o ON o.id = m.exchange_id
                ORDER BY p.key
            )
        ) AS input,
        e.output,
        e.reasoning,
        e.finish_reason,
        e.success,
        e.error,
        e.fallback_from,
        e.fallback_reason,
        e.latency_ms,
        e.first_token_ms,
        e.prompt_tokens,
        e.completion_tokens,
        (SELECT count(*) FROM votes v WHERE v.exchange_id = e.id AND v.value > 0) AS thumbs_up,
        (SELECT count(*) FROM votes v WHERE v.exchange_id = e.id AND v.value < 0) AS thumbs_down
    FROM exchanges e;
    """,
)
