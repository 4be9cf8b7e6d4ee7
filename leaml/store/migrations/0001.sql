-- A project: what came in, what people said, what models wrote, and what jobs did.
-- Numbers are never given twice (AUTOINCREMENT): events and lineage name rows by them. Paths are relative to the
-- project's folder. Times are UTC, as 2026-01-31T12:00:00.000Z.

-- Tables that are replayed from events -------------------------------------------------------------------------

CREATE TABLE images (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    file TEXT NOT NULL UNIQUE,
    thumb TEXT NOT NULL,
    stored_hash TEXT NOT NULL UNIQUE,
    source_hash TEXT NOT NULL,
    name TEXT NOT NULL,
    "group" TEXT NOT NULL DEFAULT '',
    cluster INTEGER,
    split TEXT NOT NULL DEFAULT 'train',
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    dhash TEXT NOT NULL,
    pixels TEXT NOT NULL DEFAULT 'rgb',
    note TEXT NOT NULL DEFAULT '',
    created TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
CREATE INDEX images_by_source ON images (source_hash);
CREATE INDEX images_by_name ON images (name);
CREATE INDEX images_by_split ON images (split);

CREATE TABLE pairs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    image_id INTEGER NOT NULL REFERENCES images (id),
    question TEXT NOT NULL CHECK (question <> ''),
    answer TEXT CHECK (answer <> ''),
    type TEXT NOT NULL,
    choices TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(choices)),
    origin TEXT NOT NULL CHECK (origin IN ('label', 'import', 'generator')),
    source TEXT NOT NULL DEFAULT '',
    person TEXT,
    job_id INTEGER,
    signals TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(signals)),
    seconds REAL,
    created TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
CREATE INDEX pairs_by_image ON pairs (image_id);
CREATE INDEX pairs_by_job ON pairs (job_id);

CREATE TABLE verdicts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    pair_id INTEGER NOT NULL REFERENCES pairs (id),
    person TEXT NOT NULL,
    question_ok INTEGER NOT NULL CHECK (question_ok IN (0, 1)),
    answer_ok INTEGER NOT NULL CHECK (answer_ok IN (0, 1)),
    question TEXT CHECK (question <> ''),
    answer TEXT CHECK (answer <> ''),
    reason TEXT NOT NULL DEFAULT '',
    queue TEXT NOT NULL DEFAULT 'fix' CHECK (queue IN ('audit', 'fix', 'bulk')),
    blind INTEGER NOT NULL DEFAULT 0 CHECK (blind IN (0, 1)),
    seconds REAL,
    batch TEXT,
    withdrawn INTEGER NOT NULL DEFAULT 0 CHECK (withdrawn IN (0, 1)),
    created TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
CREATE INDEX verdicts_by_pair ON verdicts (pair_id, withdrawn, id);

CREATE TABLE captions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    image_id INTEGER NOT NULL REFERENCES images (id),
    caption TEXT NOT NULL CHECK (caption <> ''),
    teacher TEXT NOT NULL DEFAULT '',
    job_id INTEGER,
    created TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    UNIQUE (image_id, teacher, caption)
) STRICT;

CREATE TABLE people (
    name TEXT PRIMARY KEY NOT NULL,
    created TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;

CREATE TABLE templates (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    question TEXT NOT NULL CHECK (question <> ''),
    type TEXT NOT NULL,
    choices TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(choices)),
    position INTEGER NOT NULL
) STRICT;

CREATE TABLE settings (
    name TEXT PRIMARY KEY NOT NULL,
    value TEXT CHECK (value IS NULL OR json_valid(value))
) STRICT;

CREATE TABLE adapters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('generator', 'answers')),
    kind TEXT NOT NULL CHECK (kind IN ('neurons', 'lora', 'full')),
    folder TEXT NOT NULL,
    job_id INTEGER,
    base TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    trained_weights INTEGER NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0 CHECK (deleted IN (0, 1)),
    created TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;

-- Tables that machines write -------------------------------------------------------------------------------------

CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    options TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(options)),
    state TEXT NOT NULL DEFAULT 'queued' CHECK (
        state IN ('queued', 'running', 'stopping', 'done', 'stopped', 'failed', 'interrupted')
    ),
    step INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0,
    message TEXT NOT NULL DEFAULT '',
    figures TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(figures)),
    result TEXT CHECK (result IS NULL OR json_valid(result)),
    error TEXT NOT NULL DEFAULT '',
    fix TEXT NOT NULL DEFAULT '',
    resume_of INTEGER REFERENCES jobs (id),
    "after" INTEGER REFERENCES jobs (id),
    stop TEXT NOT NULL DEFAULT 'no' CHECK (stop IN ('no', 'stop', 'save')),
    person TEXT NOT NULL DEFAULT '',
    command TEXT NOT NULL DEFAULT '',
    created TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    started TEXT,
    ended TEXT
) STRICT;
CREATE INDEX jobs_by_state ON jobs (state);

CREATE TABLE predictions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id INTEGER NOT NULL REFERENCES jobs (id),
    pair_id INTEGER NOT NULL REFERENCES pairs (id),
    adapter_id INTEGER REFERENCES adapters (id),
    text TEXT NOT NULL,
    correct INTEGER NOT NULL CHECK (correct IN (0, 1)),
    log_probability REAL,
    created TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
-- The base model has no adapter_id; NULLs would count as different from each other.
CREATE UNIQUE INDEX predictions_once ON predictions (job_id, pair_id, coalesce(adapter_id, 0));
CREATE INDEX predictions_by_pair ON predictions (pair_id);
CREATE INDEX predictions_by_adapter ON predictions (adapter_id);

CREATE TABLE inputs (
    job_id INTEGER NOT NULL REFERENCES jobs (id),
    kind TEXT NOT NULL CHECK (kind IN ('pair', 'caption', 'verdict', 'adapter')),
    item_id INTEGER NOT NULL,
    PRIMARY KEY (job_id, kind, item_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX inputs_by_item ON inputs (kind, item_id);

-- Events ---------------------------------------------------------------------------------------------------------

CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    person TEXT NOT NULL,
    kind TEXT NOT NULL,
    changes TEXT NOT NULL CHECK (json_valid(changes)),
    undoes INTEGER UNIQUE REFERENCES events (id)
) STRICT;
CREATE INDEX events_by_person ON events (person, id);

CREATE TRIGGER events_never_change BEFORE UPDATE ON events
BEGIN SELECT raise(ABORT, 'events are never changed'); END;

CREATE TRIGGER events_never_go BEFORE DELETE ON events
BEGIN SELECT raise(ABORT, 'events are never deleted'); END;

CREATE TRIGGER verdicts_never_change
BEFORE UPDATE OF id, pair_id, person, question_ok, answer_ok, question, answer, reason, queue, blind, seconds, batch, created
ON verdicts
BEGIN SELECT raise(ABORT, 'a verdict is withdrawn, never changed'); END;

-- What rests on a pair holds it, and says so to the user. Withdrawn verdicts go with it.
CREATE TRIGGER pairs_before_delete BEFORE DELETE ON pairs
BEGIN
    SELECT raise(ABORT, 'A model has learned from it since.')
        WHERE EXISTS (SELECT 1 FROM inputs WHERE kind = 'pair' AND item_id = OLD.id);
    SELECT raise(ABORT, 'Models have been compared on it since.')
        WHERE EXISTS (SELECT 1 FROM predictions WHERE pair_id = OLD.id);
    SELECT raise(ABORT, 'Somebody has judged it since.')
        WHERE EXISTS (SELECT 1 FROM verdicts WHERE pair_id = OLD.id AND withdrawn = 0);
    DELETE FROM verdicts WHERE pair_id = OLD.id;
END;

-- What a pair is worth now: the newest verdict that was not withdrawn decides -----------------------------------

CREATE VIEW pair_states AS
SELECT
    pairs.id, pairs.image_id, images.file, images.name AS image_name,
    coalesce(verdicts.question, pairs.question) AS question,
    coalesce(verdicts.answer, pairs.answer) AS answer,
    pairs.type, pairs.choices, pairs.origin, pairs.source, pairs.person,
    CASE
        WHEN verdicts.question_ok = 0 OR verdicts.answer_ok = 0 THEN 'rejected'
        WHEN pairs.origin = 'generator' THEN iif(verdicts.id IS NULL, 'suggested', 'accepted')
        WHEN coalesce(verdicts.answer, pairs.answer) IS NULL THEN 'question'
        ELSE 'label'
    END AS status,
    pairs.signals, pairs.seconds, images.split, images."group", pairs.job_id, pairs.created,
    verdicts.id AS verdict_id, verdicts.person AS reviewer, verdicts.queue,
    verdicts.question IS NOT NULL OR verdicts.answer IS NOT NULL AS edited
FROM pairs
JOIN images ON images.id = pairs.image_id
LEFT JOIN verdicts ON verdicts.id = (
    SELECT max(newest.id) FROM verdicts AS newest WHERE newest.pair_id = pairs.id AND newest.withdrawn = 0
);

-- What the order of a review needs of each suggestion, and no more.
CREATE VIEW suggestion_states AS
SELECT id, image_id, job_id, status, reviewer, json_extract(signals, '$.agreement') AS agreement
FROM pair_states WHERE origin = 'generator';
