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
    """
    -- The same in fewer bytes: who speaks and which model answered by a number, times by what an
    -- id does not say of them, prompts by differences (see bot/store/prompts.py).
    DROP VIEW training_data;
    DROP INDEX messages_by_exchange;
    ALTER TABLE messages RENAME TO messages_2;
    ALTER TABLE exchanges RENAME TO exchanges_2;

    -- As whom somebody speaks. Each index here holds the whole table: repair finds a row in either.
    CREATE TABLE speakers (
        id INTEGER PRIMARY KEY,
        author_id INTEGER,
        role TEXT NOT NULL,
        name TEXT,
        subject_id INTEGER -- whom a message of the bot's answered, where only that tells
    );
    CREATE INDEX speakers_by_author ON speakers (author_id, role, name, subject_id);
    -- Nobody, in each role.
    INSERT INTO speakers (role) VALUES ('system'), ('user'), ('assistant');

    CREATE TABLE sources (
        id INTEGER PRIMARY KEY,
        model_type TEXT NOT NULL,
        provider TEXT,
        model TEXT,
        finish_reason TEXT
    );
    CREATE INDEX sources_by_type ON sources (model_type, provider, model, finish_reason);

    CREATE TABLE messages (
        id INTEGER PRIMARY KEY, -- what prompts refer to
        message_id INTEGER NOT NULL UNIQUE, -- Discord's
        speaker INTEGER NOT NULL,
        content TEXT,
        state INTEGER NOT NULL, -- 0 kept, 1 deleted, 2 withheld
        seen_after INTEGER NOT NULL, -- ms from when it was posted until this text was read
        -- A message of the bot's that carries an output, or the part of it from `start` on.
        exchange_id INTEGER,
        start INTEGER,
        length INTEGER
    );

    CREATE TABLE exchanges (
        id INTEGER PRIMARY KEY, -- a snowflake, so in order of time
        asked_after INTEGER NOT NULL, -- ms from the id's time
        room_id INTEGER,
        user_id INTEGER,
        message_id INTEGER,
        reply_id INTEGER, -- the first message that carries the output
        parts TEXT, -- JSON list of the ids of the others
        source INTEGER NOT NULL,
        prompt TEXT NOT NULL,
        output TEXT,
        reasoning TEXT,
        success INTEGER NOT NULL,
        error TEXT,
        fallback_from TEXT,
        fallback_reason TEXT,
        latency_ms INTEGER NOT NULL,
        first_token_ms INTEGER,
        prompt_tokens INTEGER,
        completion_tokens INTEGER
    );

    -- In which stretches of 2^25 ms (9.3 hours) a room or a person has exchanges: an index on
    -- them would take several times as much.
    CREATE TABLE stretches (
        place INTEGER NOT NULL, -- the room's or the person's id
        stretch INTEGER NOT NULL, -- of an exchange's id, without the last 47 bits
        PRIMARY KEY (place, stretch)
    ) WITHOUT ROWID;
    CREATE TRIGGER exchange_added AFTER INSERT ON exchanges BEGIN
        INSERT OR IGNORE INTO stretches SELECT new.room_id, new.id >> 47
            WHERE new.room_id IS NOT NULL;
        INSERT OR IGNORE INTO stretches SELECT new.user_id, new.id >> 47
            WHERE new.user_id IS NOT NULL;
    END;

    INSERT INTO speakers (role) SELECT DISTINCT role FROM messages_2
    WHERE role NOT IN ('system', 'user', 'assistant');
    -- Of a deleted message nothing, and of an answer to a kept question no subject, is kept.
    UPDATE messages_2 SET author_id = NULL, name = NULL, subject_id = NULL WHERE state = 1;
    UPDATE messages_2 SET subject_id = NULL WHERE exchange_id IN (SELECT id FROM exchanges_2);
    INSERT INTO speakers (author_id, role, name, subject_id)
    SELECT DISTINCT author_id, role, name, subject_id FROM messages_2
    WHERE coalesce(author_id, name, subject_id) IS NOT NULL;

    INSERT INTO messages SELECT
        m.id, m.message_id,
        (
            SELECT s.id FROM speakers s WHERE s.author_id IS m.author_id AND s.role = m.role
                AND s.name IS m.name AND s.subject_id IS m.subject_id
        ),
        m.content, m.state,
        iif(m.exchange_id IS NULL, m.seen_at - (m.message_id >> 22) - 1420070400000, 0),
        m.exchange_id, m.start, m.length
    FROM messages_2 m ORDER BY m.id;

    INSERT INTO sources (model_type, provider, model, finish_reason)
    SELECT DISTINCT model_type, provider, model, finish_reason FROM exchanges_2;

    CREATE TEMP TABLE parts AS
    SELECT o.exchange_id, json_group_array(o.message_id) AS parts FROM (
        SELECT m.exchange_id, m.message_id FROM messages_2 m JOIN exchanges_2 e
        ON e.id = m.exchange_id WHERE m.message_id IS NOT e.reply_id
        ORDER BY m.exchange_id, m.start, m.message_id
    ) o GROUP BY o.exchange_id;
    CREATE INDEX temp.parts_by_exchange ON parts (exchange_id);

    INSERT INTO exchanges SELECT
        e.id, e.timestamp - (e.id >> 22) - 1420070400000,
        e.room_id, e.user_id, e.message_id, e.reply_id,
        (SELECT p.parts FROM temp.parts p WHERE p.exchange_id = e.id),
        (
            SELECT s.id FROM sources s WHERE s.model_type = e.model_type
                AND s.provider IS e.provider AND s.model IS e.model
                AND s.finish_reason IS e.finish_reason
        ),
        (
            SELECT json_group_array(
                CASE WHEN role IS NULL THEN step ELSE json_array(step, role) END
            ) FROM (
                SELECT role, ref - lag(ref, 1, 0) OVER (ORDER BY place) AS step
                FROM (
                    -- What was lost before is null, and nothing has the number 0.
                    SELECT p.key AS place, coalesce(
                            iif(p.type = 'array', json_extract(p.value, '$[0]'), p.value), 0
                        ) AS ref,
                        iif(p.type = 'array', json_extract(p.value, '$[1]'), NULL) AS role
                    FROM json_each(iif(json_valid(e.prompt), e.prompt, '[]')) p
                )
                ORDER BY place
            )
        ),
        e.output, e.reasoning, e.success, e.error, e.fallback_from, e.fallback_reason,
        CAST(round(e.latency_ms) AS INTEGER), CAST(round(e.first_token_ms) AS INTEGER),
        e.prompt_tokens, e.completion_tokens
    FROM exchanges_2 e ORDER BY e.id;

    DROP TABLE temp.parts;
    DROP TABLE messages_2;
    DROP TABLE exchanges_2;

    -- Whoever deletes exchanges sees to their stretches: a look for others is one through them all.
    CREATE TRIGGER exchange_removed AFTER DELETE ON exchanges
    BEGIN UPDATE counters SET erasures = erasures + 1; END;
    CREATE TRIGGER message_erased AFTER UPDATE OF content ON messages
    WHEN old.content IS NOT NULL AND new.content IS NOT old.content
    BEGIN UPDATE counters SET erasures = erasures + 1; END;
    CREATE TRIGGER message_removed AFTER DELETE ON messages WHEN old.content IS NOT NULL
    BEGIN UPDATE counters SET erasures = erasures + 1; END;
    CREATE TRIGGER output_erased AFTER UPDATE OF output, reasoning ON exchanges
    WHEN old.output IS NOT new.output OR old.reasoning IS NOT new.reasoning
    BEGIN UPDATE counters SET erasures = erasures + 1; END;
    CREATE TRIGGER speaker_removed AFTER DELETE ON speakers
    BEGIN UPDATE counters SET erasures = erasures + 1; END;
    CREATE TRIGGER demonstration_replaced AFTER UPDATE OF content ON demonstrations
    WHEN new.content <> old.content
    BEGIN UPDATE counters SET erasures = erasures + 1; END;
    -- The next time that the file is written anew it gets as small as it can be.
    UPDATE counters SET erasures = erasures + 1 WHERE EXISTS (SELECT 1 FROM messages);

    CREATE VIEW training_data AS
    SELECT
        e.id,
        (e.id >> 22) + 1420070400000 + e.asked_after AS timestamp,
        (SELECT id FROM world WHERE kind = 'guild') AS guild_id,
        e.room_id,
        e.user_id,
        e.message_id,
        e.reply_id,
        c.model_type,
        c.provider,
        c.model,
        (
            SELECT json_group_array(json_object('role', coalesce(q.role, s.role, t.role), 'content',
                CASE
                    WHEN m.state = 1 THEN '[deleted]'
                    WHEN m.state = 2 THEN '[not recorded]'
                    ELSE coalesce(
                        iif(s.name IS NULL, '', s.name || ': ')
                            || coalesce(m.content, substr(o.output, m.start, m.length), t.content),
                        '[deleted]'
                    )
                END
            )) FROM (
                -- json_each goes through a list from its begin to its end.
                SELECT sum(iif(p.type = 'array', json_extract(p.value, '$[0]'), p.value))
                        OVER (ROWS UNBOUNDED PRECEDING) AS number,
                    iif(p.type = 'array', json_extract(p.value, '$[1]'), NULL) AS role
                FROM json_each(e.prompt) p
            ) q
            LEFT JOIN messages m ON m.id = q.number
            LEFT JOIN speakers s ON s.id = m.speaker
            LEFT JOIN exchanges o ON o.id = m.exchange_id
            LEFT JOIN texts t ON t.id = -q.number
        ) AS input,
        e.output,
        e.reasoning,
        c.finish_reason,
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
    FROM exchanges e LEFT JOIN sources c ON c.id = e.source;
    """,
    """
    -- Finer stretches, which also tell who asked where and for what (see bot/store/stretches.py);
    -- whoever adds exchanges adds to them, once a batch.
    DROP TRIGGER exchange_added;
    DROP TABLE stretches;
    CREATE TABLE stretches (
        -- Of the id of an exchange all but the last 48 bits, then 24 bits for a person or a room,
        -- 14 for the room that the person was in, 10 for the source; 0 where it is of any.
        -- Remainders are of no negative number: other platforms than Discord have such ids.
        id INTEGER PRIMARY KEY,
        parts TEXT NOT NULL -- a character for each 2^20 ms of 2^26 that has such an exchange
    );
    INSERT INTO stretches SELECT id, group_concat(char(part + 32), '') FROM (
        SELECT id, part FROM (
            SELECT (e.id >> 48 << 48) | (e.source & 1023) AS id, (e.id >> 42) & 63 AS part
            FROM exchanges e
            UNION ALL SELECT (e.id >> 48 << 48)
                | ((e.room_id % 16777213 + 16777213) % 16777213 << 24) | (e.source & 1023),
                (e.id >> 42) & 63
            FROM exchanges e WHERE e.room_id IS NOT NULL
            UNION ALL SELECT (e.id >> 48 << 48)
                | ((e.user_id % 16777213 + 16777213) % 16777213 << 24)
                | (coalesce((e.room_id % 16381 + 16381) % 16381, 0) << 10) | (e.source & 1023),
                (e.id >> 42) & 63
            FROM exchanges e WHERE e.user_id IS NOT NULL
        ) GROUP BY id, part
    ) GROUP BY id;

    -- Who had asked where and for what, as a stretch's number has it: a page of what was voted on
    -- need not look at every exchange that was.
    ALTER TABLE votes ADD COLUMN asked INTEGER;
    UPDATE votes SET asked = (
        SELECT (coalesce((e.user_id % 16777213 + 16777213) % 16777213, 0) << 24)
            | (coalesce((e.room_id % 16381 + 16381) % 16381, 0) << 10) | (e.source & 1023)
        FROM exchanges e WHERE e.id = votes.exchange_id
    );
    DROP INDEX votes_by_exchange;
    CREATE INDEX votes_by_exchange ON votes (exchange_id, value, asked)
        WHERE exchange_id IS NOT NULL;
    CREATE TRIGGER votes_asked_added AFTER INSERT ON votes WHEN new.exchange_id IS NOT NULL BEGIN
        UPDATE votes SET asked = (
            SELECT (coalesce((e.user_id % 16777213 + 16777213) % 16777213, 0) << 24)
                | (coalesce((e.room_id % 16381 + 16381) % 16381, 0) << 10) | (e.source & 1023)
            FROM exchanges e WHERE e.id = new.exchange_id
        ) WHERE message_id = new.message_id AND user_id = new.user_id;
    END;
    CREATE TRIGGER votes_asked_placed AFTER UPDATE OF exchange_id ON votes BEGIN
        UPDATE votes SET asked = (
            SELECT (coalesce((e.user_id % 16777213 + 16777213) % 16777213, 0) << 24)
                | (coalesce((e.room_id % 16381 + 16381) % 16381, 0) << 10) | (e.source & 1023)
            FROM exchanges e WHERE e.id = new.exchange_id
        ) WHERE message_id = new.message_id AND user_id = new.user_id;
    END;
    """,
)

EMPTY_DAMAGED_PROMPTS = {
    2: """
        UPDATE exchanges SET prompt = '[]'
        WHERE CASE WHEN NOT json_valid(prompt) THEN 1 WHEN json_type(prompt) <> 'array' THEN 1
            ELSE EXISTS (
                SELECT 1 FROM json_each(prompt) WHERE CASE type
                    WHEN 'array' THEN json_type(value, '$[0]') IS NOT 'text' ELSE 1 END
            ) END
    """,
    3: """
        UPDATE exchanges SET prompt = '[]'
        WHERE CASE WHEN NOT json_valid(prompt) THEN 1 WHEN json_type(prompt) <> 'array' THEN 1
            ELSE EXISTS (
                SELECT 1 FROM json_each(prompt) WHERE CASE type
                    WHEN 'array' THEN json_type(value, '$[1]') IS NOT 'text'
                    WHEN 'integer' THEN typeof(value) <> 'integer' ELSE type <> 'null' END
            ) END
    """,
}
"""To run before the steps that put every prompt down anew.

One that is no list of what it should be would stop them, or could not be read ever after.
"""
