-- What the code of schema 3 wrote; `PRAGMA user_version` is not part of a dump.
PRAGMA user_version = 3;
BEGIN TRANSACTION;
CREATE TABLE consents (
        user_id INTEGER PRIMARY KEY,
        recorded INTEGER NOT NULL, -- 1 agreed, 0 objected
        timestamp INTEGER NOT NULL
    );
INSERT INTO "consents" VALUES(92,0,1700000000000);
CREATE TABLE counters (
        exchanges INTEGER NOT NULL,
        failures INTEGER NOT NULL,
        fallbacks INTEGER NOT NULL,
        last_timestamp INTEGER
    , thumbs_up INTEGER NOT NULL DEFAULT 0, thumbs_down INTEGER NOT NULL DEFAULT 0, erasures INTEGER NOT NULL DEFAULT 0, wiped INTEGER NOT NULL DEFAULT 0);
INSERT INTO "counters" VALUES(6,1,1,1700000005000,2,2,5,0);
CREATE TABLE demonstrations (
        message_id INTEGER NOT NULL,
        user_id INTEGER NOT NULL,
        content TEXT NOT NULL,
        timestamp INTEGER NOT NULL,
        PRIMARY KEY (message_id, user_id)
    ) WITHOUT ROWID;
INSERT INTO "demonstrations" VALUES(7002,91,'Rather so.',1700000000000);
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
INSERT INTO "exchanges" VALUES(1174109840998400000,0,5,90,1174109840998400500,7000,NULL,1,'[-2,[10,"user"]]','Answer 0.',NULL,1,NULL,NULL,NULL,12,3,11,4);
INSERT INTO "exchanges" VALUES(1174109845192704001,0,6,91,1174109845192704501,8001,'[8002]',2,'[-2,5,[5,"user"],-4,5]','The first half. The second half.','Dogs bark.',1,NULL,NULL,NULL,13,3,11,4);
INSERT INTO "exchanges" VALUES(1174109849387008002,345,7,92,1174109849387008502,7002,NULL,1,'[-2,6,5,-3,1,3]','Answer 2.',NULL,1,NULL,NULL,NULL,14,3,11,4);
INSERT INTO "exchanges" VALUES(1174109853581312003,0,5,93,1174109840998400500,NULL,NULL,3,'[-2,3,-2,9]',NULL,NULL,0,'TimeoutError: no answer',NULL,NULL,15,NULL,11,4);
INSERT INTO "exchanges" VALUES(1174109857775616004,0,NULL,NULL,NULL,7004,NULL,1,'[-3,12,1]','Answer 4.',NULL,1,NULL,'custom','was down',16,3,11,4);
INSERT INTO "exchanges" VALUES(1174109861969920005,0,7,91,1174109845192704501,7005,NULL,2,'[-2,7,4]',NULL,NULL,1,NULL,NULL,NULL,17,3,11,4);
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
INSERT INTO "messages" VALUES(1,1174109853581312503,2,NULL,1,0,NULL,NULL,NULL);
INSERT INTO "messages" VALUES(2,7005,3,NULL,1,0,1174109861969920005,0,0);
INSERT INTO "messages" VALUES(3,77,7,'An answer to whom it may concern.',0,279929601000,NULL,NULL,NULL);
INSERT INTO "messages" VALUES(4,7000,3,NULL,0,279929602345,1174109840998400000,1,9);
INSERT INTO "messages" VALUES(5,7004,3,NULL,0,279929605000,1174109857775616004,1,9);
INSERT INTO "messages" VALUES(6,8001,3,NULL,0,279929602345,1174109845192704001,1,15);
INSERT INTO "messages" VALUES(7,8002,3,NULL,0,279929602345,1174109845192704001,17,16);
INSERT INTO "messages" VALUES(8,1174109840998400500,4,'Where is my cat?',0,3000,NULL,NULL,NULL);
INSERT INTO "messages" VALUES(9,1174109845192704501,5,'And my three dogs?',0,9000,NULL,NULL,NULL);
INSERT INTO "messages" VALUES(10,1174109849387008502,6,NULL,2,2000,NULL,NULL,NULL);
INSERT INTO "messages" VALUES(11,7002,3,NULL,0,0,1174109849387008002,1,9);
CREATE TABLE notices (room_id INTEGER PRIMARY KEY, timestamp INTEGER NOT NULL);
INSERT INTO "notices" VALUES(5,1700000000000);
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "settings" VALUES('reasoning','{"enabled": true}');
CREATE TABLE sources (
        id INTEGER PRIMARY KEY,
        model_type TEXT NOT NULL,
        provider TEXT,
        model TEXT,
        finish_reason TEXT
    );
INSERT INTO "sources" VALUES(1,'planning','openai','gpt','stop');
INSERT INTO "sources" VALUES(2,'coding','openai','gpt','stop');
INSERT INTO "sources" VALUES(3,'coding',NULL,NULL,NULL);
CREATE TABLE speakers (
        id INTEGER PRIMARY KEY,
        author_id INTEGER,
        role TEXT NOT NULL,
        name TEXT,
        subject_id INTEGER -- whom a message of the bot's answered, where only that tells
    );
INSERT INTO "speakers" VALUES(1,NULL,'system',NULL,NULL);
INSERT INTO "speakers" VALUES(2,NULL,'user',NULL,NULL);
INSERT INTO "speakers" VALUES(3,NULL,'assistant',NULL,NULL);
INSERT INTO "speakers" VALUES(4,90,'assistant','ben',NULL);
INSERT INTO "speakers" VALUES(5,91,'user','cleo',NULL);
INSERT INTO "speakers" VALUES(6,92,'user',NULL,NULL);
INSERT INTO "speakers" VALUES(7,1,'assistant',NULL,94);
CREATE TABLE stretches (
        place INTEGER NOT NULL, -- the room's or the person's id
        stretch INTEGER NOT NULL, -- of an exchange's id, without the last 47 bits
        PRIMARY KEY (place, stretch)
    ) WITHOUT ROWID;
INSERT INTO "stretches" VALUES(5,8342);
INSERT INTO "stretches" VALUES(6,8342);
INSERT INTO "stretches" VALUES(7,8342);
INSERT INTO "stretches" VALUES(90,8342);
INSERT INTO "stretches" VALUES(91,8342);
INSERT INTO "stretches" VALUES(92,8342);
INSERT INTO "stretches" VALUES(93,8342);
CREATE TABLE texts (
        id INTEGER PRIMARY KEY, -- prompts refer to it by the negative
        hash BLOB NOT NULL UNIQUE,
        role TEXT NOT NULL,
        content TEXT NOT NULL
    );
INSERT INTO "texts" VALUES(1,X'1F6C7E4F210B1AEB2373F3BA91F44292','assistant','Be kind.');
INSERT INTO "texts" VALUES(2,X'4B2DC092A5DC478EC7E728C96400E402','system','Be kind.');
INSERT INTO "texts" VALUES(3,X'D2FAF3BA8F8C57BAE668BBB11AD5E99C','user','Be kind.');
CREATE TABLE votes (
        message_id INTEGER NOT NULL,
        user_id INTEGER NOT NULL,
        value INTEGER NOT NULL, -- 1 or -1
        timestamp INTEGER NOT NULL,
        exchange_id INTEGER,
        PRIMARY KEY (message_id, user_id)
    ) WITHOUT ROWID;
INSERT INTO "votes" VALUES(7000,90,-1,1700000000000,1174109840998400000);
INSERT INTO "votes" VALUES(7000,91,1,1700000000000,1174109840998400000);
INSERT INTO "votes" VALUES(8001,94,-1,1700000007000,1174109845192704001);
INSERT INTO "votes" VALUES(8002,91,1,1700000000000,1174109845192704001);
INSERT INTO "votes" VALUES(9999,90,1,1700000000000,NULL);
CREATE TABLE world (kind TEXT NOT NULL, id INTEGER NOT NULL);
INSERT INTO "world" VALUES('guild',1574079678635835395);
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
CREATE TRIGGER demonstration_removed AFTER DELETE ON demonstrations
    BEGIN UPDATE counters SET erasures = erasures + 1; END;
CREATE INDEX speakers_by_author ON speakers (author_id, role, name, subject_id);
CREATE INDEX sources_by_type ON sources (model_type, provider, model, finish_reason);
CREATE TRIGGER exchange_added AFTER INSERT ON exchanges BEGIN
        INSERT OR IGNORE INTO stretches SELECT new.room_id, new.id >> 47
            WHERE new.room_id IS NOT NULL;
        INSERT OR IGNORE INTO stretches SELECT new.user_id, new.id >> 47
            WHERE new.user_id IS NOT NULL;
    END;
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
COMMIT;
