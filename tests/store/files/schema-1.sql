-- What the code of schema 1 wrote; `PRAGMA user_version` is not part of a dump.
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE counters (
        exchanges INTEGER NOT NULL,
        failures INTEGER NOT NULL,
        fallbacks INTEGER NOT NULL,
        last_timestamp INTEGER
    );
INSERT INTO "counters" VALUES(6,1,1,1700000003000);
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
INSERT INTO "exchanges" VALUES('00000000000000000000000000000001',1700000000000,5,9,101,'planning','openai','gpt','[["system","h3061b0e8b8beaac6bd466c739fb43eaa"],["user",101]]','Answer 1.',NULL,1,NULL,NULL,NULL,13.5,3.25,11,4);
INSERT INTO "exchanges" VALUES('00000000000000000000000000000002',1700000001000,5,9,102,'planning','openai','gpt','[["system","h3061b0e8b8beaac6bd466c739fb43eaa"],["user",101],["assistant",501],["user",102]]','Answer 2.','Cats like sofas.',1,NULL,NULL,NULL,14.5,3.25,11,4);
INSERT INTO "exchanges" VALUES('00000000000000000000000000000003',1700000001000,5,9,103,'planning',NULL,NULL,'[["system","h3061b0e8b8beaac6bd466c739fb43eaa"],["assistant",501],["assistant",502],["assistant",503],["user",103]]',NULL,NULL,0,'It is gone.',NULL,NULL,15.5,NULL,NULL,NULL);
INSERT INTO "exchanges" VALUES('00000000000000000000000000000004',1700000002000,5,9,104,'coding','openai','gpt','[["assistant","h3061b0e8b8beaac6bd466c739fb43eaa"],["user","h3061b0e8b8beaac6bd466c739fb43eaa"],["system","h3061b0e8b8beaac6bd466c739fb43eaa"],["user",104]]','Answer 4.',NULL,1,NULL,'custom','timeout',16.5,3.25,11,4);
INSERT INTO "exchanges" VALUES('00000000000000000000000000000005',1700000002000,NULL,NULL,NULL,'planning','openai','gpt','[["system","h3061b0e8b8beaac6bd466c739fb43eaa"],["assistant",101],["user",105]]',NULL,NULL,1,NULL,NULL,NULL,17.5,3.25,11,4);
INSERT INTO "exchanges" VALUES('00000000000000000000000000000006',1700000003000,5,9,106,'planning','openai','gpt','[["system","h3061b0e8b8beaac6bd466c739fb43eaa"],["assistant",505],["user",106]]','Answer 6.',NULL,1,NULL,NULL,NULL,18.5,3.25,11,4);
CREATE TABLE messages (
        id INTEGER PRIMARY KEY,
        author_id INTEGER,
        name TEXT,
        content TEXT,
        deleted INTEGER NOT NULL DEFAULT 0
    );
INSERT INTO "messages" VALUES(101,9,'ben','Where is my cat?',0);
INSERT INTO "messages" VALUES(102,9,'ünal','And 🍕 "quoted"
ü?',0);
INSERT INTO "messages" VALUES(103,9,NULL,NULL,1);
INSERT INTO "messages" VALUES(104,9,'ben','second version',0);
INSERT INTO "messages" VALUES(105,9,NULL,'without a name',0);
INSERT INTO "messages" VALUES(106,9,'ben','last',0);
INSERT INTO "messages" VALUES(501,1,NULL,'Answer 1.',0);
INSERT INTO "messages" VALUES(502,1,NULL,'Ans',0);
INSERT INTO "messages" VALUES(503,1,NULL,'wer 2.',0);
INSERT INTO "messages" VALUES(505,1,NULL,NULL,1);
CREATE TABLE replies (
        message_id INTEGER PRIMARY KEY,
        exchange_id TEXT NOT NULL,
        part INTEGER NOT NULL
    );
INSERT INTO "replies" VALUES(501,'00000000000000000000000000000001',0);
INSERT INTO "replies" VALUES(502,'00000000000000000000000000000002',0);
INSERT INTO "replies" VALUES(503,'00000000000000000000000000000002',1);
INSERT INTO "replies" VALUES(505,'00000000000000000000000000000005',0);
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "settings" VALUES('reasoning','{"enabled": true}');
CREATE TABLE texts (hash TEXT PRIMARY KEY, content TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "texts" VALUES('h3061b0e8b8beaac6bd466c739fb43eaa','Be kind.');
CREATE TABLE world (kind TEXT NOT NULL, id INTEGER NOT NULL);
INSERT INTO "world" VALUES('guild',1574079678635835395);
CREATE INDEX exchanges_by_time ON exchanges (timestamp);
CREATE INDEX replies_by_exchange ON replies (exchange_id, part);
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
COMMIT;
