-- What the code of schema 2 wrote; `PRAGMA user_version` is not part of a dump.
PRAGMA user_version = 2;
BEGIN TRANSACTION;
CREATE TABLE world (kind TEXT NOT NULL, id INTEGER NOT NULL);
INSERT INTO world VALUES('guild',1574079678635835395);
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO settings VALUES('reasoning','{"enabled": true}');
CREATE TABLE counters (
        exchanges INTEGER NOT NULL,
        failures INTEGER NOT NULL,
        fallbacks INTEGER NOT NULL,
        last_timestamp INTEGER
    , thumbs_up INTEGER NOT NULL DEFAULT 0, thumbs_down INTEGER NOT NULL DEFAULT 0, erasures INTEGER NOT NULL DEFAULT 0, wiped INTEGER NOT NULL DEFAULT 0);
INSERT INTO counters VALUES(6,1,1,1700000005000,2,1,3,0);
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
INSERT INTO messages VALUES(1,7000,NULL,'assistant',NULL,NULL,0,0,1174109840998400000,1,9,90);
INSERT INTO messages VALUES(2,1174109840998400500,90,'user','ben','Where is my cat?',0,1700000000000,NULL,NULL,NULL,NULL);
INSERT INTO messages VALUES(3,8001,NULL,'assistant',NULL,NULL,0,0,1174109845192704001,1,15,91);
INSERT INTO messages VALUES(4,8002,NULL,'assistant',NULL,NULL,0,0,1174109845192704001,17,16,91);
INSERT INTO messages VALUES(5,77,1,'assistant',NULL,'An answer to whom it may concern.',0,1700000001000,NULL,NULL,NULL,94);
INSERT INTO messages VALUES(6,1174109845192704501,91,'user','cleo','And my two dogs?',0,1700000009000,NULL,NULL,NULL,NULL);
INSERT INTO messages VALUES(7,7002,NULL,'assistant',NULL,NULL,0,0,1174109849387008002,1,9,92);
INSERT INTO messages VALUES(8,1174109849387008502,92,'user',NULL,NULL,2,1700000002345,NULL,NULL,NULL,NULL);
INSERT INTO messages VALUES(9,7004,NULL,'assistant',NULL,NULL,0,0,1174109857775616004,1,9,NULL);
INSERT INTO messages VALUES(10,1174109853581312503,93,'user',NULL,NULL,1,1700000003000,NULL,NULL,NULL,NULL);
INSERT INTO messages VALUES(11,7005,NULL,'assistant',NULL,NULL,1,0,1174109861969920005,NULL,NULL,91);
CREATE TABLE texts (
        id INTEGER PRIMARY KEY, -- prompts refer to it by the negative
        hash BLOB NOT NULL UNIQUE,
        role TEXT NOT NULL,
        content TEXT NOT NULL
    );
INSERT INTO texts VALUES(1,X'4b2dc092a5dc478ec7e728c96400e402','system','Be kind.');
INSERT INTO texts VALUES(2,X'd2faf3ba8f8c57bae668bbb11ad5e99c','user','Be kind.');
INSERT INTO texts VALUES(3,X'1f6c7e4f210b1aeb2373f3ba91f44292','assistant','Be kind.');
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
INSERT INTO exchanges VALUES(1174109840998400000,1700000000000,5,90,1174109840998400500,7000,'planning','openai','gpt','[-1,2]','Answer 0.',NULL,'stop',1,NULL,NULL,NULL,12.0,3.0,11,4);
INSERT INTO exchanges VALUES(1174109845192704001,1700000001000,6,91,1174109845192704501,8001,'coding','openai','gpt','[-1,5,2,1,6]','The first half. The second half.','Dogs bark.','stop',1,NULL,NULL,NULL,13.0,3.0,11,4);
INSERT INTO exchanges VALUES(1174109849387008002,1700000002345,7,92,1174109849387008502,7002,'planning','openai','gpt','[-1,1,6,3,4,8]','Answer 2.',NULL,'stop',1,NULL,NULL,NULL,14.0,3.0,11,4);
INSERT INTO exchanges VALUES(1174109853581312003,1700000003000,5,93,1174109840998400500,NULL,'coding',NULL,NULL,'[-1,10,-3,[2,"assistant"]]',NULL,NULL,NULL,0,'TimeoutError: no answer',NULL,NULL,15.0,NULL,11,4);
INSERT INTO exchanges VALUES(1174109857775616004,1700000004000,NULL,NULL,NULL,7004,'planning','openai','gpt','[-2,6,8]','Answer 4.',NULL,'stop',1,NULL,'custom','was down',16.0,3.0,11,4);
INSERT INTO exchanges VALUES(1174109861969920005,1700000005000,7,91,1174109845192704501,7005,'coding','openai','gpt','[-1,9,6]',NULL,NULL,'stop',1,NULL,NULL,NULL,17.0,3.0,11,4);
CREATE TABLE votes (
        message_id INTEGER NOT NULL,
        user_id INTEGER NOT NULL,
        value INTEGER NOT NULL, -- 1 or -1
        timestamp INTEGER NOT NULL,
        exchange_id INTEGER,
        PRIMARY KEY (message_id, user_id)
    ) WITHOUT ROWID;
INSERT INTO votes VALUES(7000,90,-1,1700000000000,1174109840998400000);
INSERT INTO votes VALUES(7000,91,1,1700000000000,1174109840998400000);
INSERT INTO votes VALUES(8002,91,1,1700000000000,1174109845192704001);
INSERT INTO votes VALUES(9999,90,1,1700000000000,NULL);
CREATE TABLE demonstrations (
        message_id INTEGER NOT NULL,
        user_id INTEGER NOT NULL,
        content TEXT NOT NULL,
        timestamp INTEGER NOT NULL,
        PRIMARY KEY (message_id, user_id)
    ) WITHOUT ROWID;
INSERT INTO demonstrations VALUES(7002,91,'Rather so.',1700000000000);
CREATE TABLE consents (
        user_id INTEGER PRIMARY KEY,
        recorded INTEGER NOT NULL, -- 1 agreed, 0 objected
        timestamp INTEGER NOT NULL
    );
INSERT INTO consents VALUES(92,0,1700000000000);
CREATE TABLE notices (room_id INTEGER PRIMARY KEY, timestamp INTEGER NOT NULL);
INSERT INTO notices VALUES(5,1700000000000);
CREATE INDEX messages_by_exchange ON messages (exchange_id) WHERE exchange_id IS NOT NULL;
CREATE INDEX votes_by_exchange ON votes (exchange_id) WHERE exchange_id IS NOT NULL;
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
COMMIT;
