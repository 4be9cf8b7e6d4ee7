-- Review: what follows from verdicts is kept, so that queues, filters and figures stay fast with a million pairs; and
-- what several people, samples and checks add.

-- Verdicts ---------------------------------------------------------------------------------------------------------

-- said: what the reviewer answered before the suggestion was shown. audit_id: the audit whose sample it belongs to, or
-- that allowed it.
ALTER TABLE verdicts ADD COLUMN said TEXT CHECK (said <> '');
ALTER TABLE verdicts ADD COLUMN audit_id INTEGER;
CREATE INDEX verdicts_by_person ON verdicts (person, withdrawn, id);
CREATE INDEX verdicts_by_queue ON verdicts (queue, withdrawn, pair_id);
CREATE INDEX verdicts_by_audit ON verdicts (audit_id, queue, withdrawn) WHERE audit_id IS NOT NULL;
CREATE INDEX pairs_by_person ON pairs (person, id) WHERE person IS NOT NULL;

CREATE TRIGGER verdicts_never_change_either BEFORE UPDATE OF said, audit_id ON verdicts
BEGIN SELECT raise(ABORT, 'a verdict is withdrawn, never changed'); END;

-- Tables that are replayed from events -----------------------------------------------------------------------------

-- nothing: looked at, there is nothing to answer. cannot tell: of the question in `text`.
CREATE TABLE remarks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    image_id INTEGER NOT NULL REFERENCES images (id),
    pair_id INTEGER,
    person TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('comment', 'flag', 'skip', 'nothing', 'cannot tell')),
    text TEXT NOT NULL DEFAULT '',
    created TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
CREATE INDEX remarks_by_image ON remarks (image_id);
CREATE INDEX remarks_by_pair ON remarks (pair_id);

-- A plan fixed before its sample is drawn. band: which suggestions, as fields of leaml.review.bands.Band.
CREATE TABLE audits (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    person TEXT NOT NULL,
    band TEXT NOT NULL CHECK (json_valid(band)),
    target REAL NOT NULL CHECK (target > 0 AND target < 1),
    error REAL NOT NULL CHECK (error > 0 AND error < 1),
    size INTEGER NOT NULL CHECK (size > 0),
    allowed INTEGER NOT NULL CHECK (allowed >= 0),
    ended INTEGER NOT NULL DEFAULT 0 CHECK (ended IN (0, 1)),
    created TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;

CREATE TABLE audit_items (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    audit_id INTEGER NOT NULL REFERENCES audits (id),
    pair_id INTEGER NOT NULL REFERENCES pairs (id)
) STRICT;
CREATE INDEX audit_items_by_audit ON audit_items (audit_id);
CREATE INDEX audit_items_by_pair ON audit_items (pair_id);

-- Hidden questions about the reviewer. right: 1 where the shown answer is known to be right, 0 where it is known to be
-- wrong; of a repeat, what this person said before.
CREATE TABLE checks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    person TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('repeat', 'wrong')),
    pair_id INTEGER NOT NULL REFERENCES pairs (id),
    answer TEXT NOT NULL,
    "right" INTEGER NOT NULL CHECK ("right" IN (0, 1)),
    accepted INTEGER NOT NULL CHECK (accepted IN (0, 1)),
    seconds REAL,
    created TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
CREATE INDEX checks_by_person ON checks (person, kind);

-- Tables that machines write ---------------------------------------------------------------------------------------

-- Who has what in hand. Not by events: a lease that nobody extends ends by itself.
CREATE TABLE leases (
    item_id INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('pair', 'image')),
    person TEXT NOT NULL,
    acquired TEXT NOT NULL,
    until TEXT NOT NULL,
    PRIMARY KEY (kind, item_id, person)
) STRICT, WITHOUT ROWID;
CREATE INDEX leases_by_person ON leases (kind, person);

-- In which order pictures are labelled, and why. alike: how many others a typical one stands for.
CREATE TABLE turns (
    image_id INTEGER PRIMARY KEY NOT NULL REFERENCES images (id),
    place INTEGER NOT NULL,
    why TEXT NOT NULL CHECK (why IN ('typical', 'random')),
    alike INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX turns_by_place ON turns (place);

-- Kept by triggers, never written otherwise ------------------------------------------------------------------------

-- looked: a person looked before the newest verdict. opinions: people who judged it in the audit queue. signal: how
-- far to trust it, 0 to 1; -1: never measured. rank: the lowest signal on its picture, so that a picture with a
-- doubtful suggestion comes early, and comes once. place: its place in the uniform random order.
CREATE TABLE states (
    pair_id INTEGER PRIMARY KEY NOT NULL,
    image_id INTEGER NOT NULL,
    split TEXT NOT NULL,
    type TEXT NOT NULL,
    origin TEXT NOT NULL,
    job_id INTEGER NOT NULL,
    signal REAL NOT NULL,
    rank REAL NOT NULL,
    place INTEGER NOT NULL,
    status TEXT NOT NULL DEFAULT '',
    verdict_id INTEGER,
    reviewer TEXT NOT NULL DEFAULT '',
    looked INTEGER NOT NULL DEFAULT 0,
    opinions INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX states_by_image ON states (image_id);
CREATE INDEX states_by_rank ON states (status, rank, image_id, signal, pair_id);
CREATE INDEX states_by_type ON states (status, type, rank, image_id, signal, pair_id);
CREATE INDEX states_by_job ON states (status, job_id, rank, image_id, signal, pair_id);
CREATE INDEX states_by_job_and_type ON states (status, job_id, type, rank, image_id, signal, pair_id);
CREATE INDEX states_by_signal ON states (status, signal, pair_id, type, job_id);
CREATE INDEX states_by_type_and_signal ON states (status, type, signal, pair_id, job_id);
CREATE INDEX states_by_reviewer ON states (status, reviewer, rank, image_id, signal, pair_id);
CREATE INDEX states_by_place ON states (origin, looked, place);
CREATE INDEX states_by_opinions ON states (opinions, place);

CREATE TABLE tallies (
    status TEXT NOT NULL,
    split TEXT NOT NULL,
    job_id INTEGER NOT NULL,
    looked INTEGER NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (status, split, job_id, looked)
) STRICT, WITHOUT ROWID;

-- Verdicts that stand. kept: those that accept. timed, seconds: those of known duration, and their sum.
CREATE TABLE efforts (
    person TEXT NOT NULL,
    queue TEXT NOT NULL,
    n INTEGER NOT NULL,
    kept INTEGER NOT NULL,
    timed INTEGER NOT NULL,
    seconds REAL NOT NULL,
    PRIMARY KEY (person, queue)
) STRICT, WITHOUT ROWID;

-- What a pair is worth now: the newest verdict that was not withdrawn decides.
CREATE VIEW newest_verdicts AS
SELECT
    pairs.id AS pair_id,
    CASE
        WHEN verdicts.question_ok = 0 OR verdicts.answer_ok = 0 THEN 'rejected'
        WHEN pairs.origin = 'generator' THEN iif(verdicts.id IS NULL, 'suggested', 'accepted')
        WHEN coalesce(verdicts.answer, pairs.answer) IS NULL THEN 'question'
        ELSE 'label'
    END AS status,
    verdicts.id AS verdict_id,
    coalesce(verdicts.person, '') AS reviewer,
    verdicts.id IS NOT NULL AND verdicts.queue <> 'bulk' AS looked
FROM pairs LEFT JOIN verdicts ON verdicts.id = (
    SELECT max(newest.id) FROM verdicts AS newest WHERE newest.pair_id = pairs.id AND newest.withdrawn = 0
);

CREATE TRIGGER states_counted AFTER INSERT ON states WHEN NEW.status <> ''
BEGIN
    INSERT INTO tallies VALUES (NEW.status, NEW.split, NEW.job_id, NEW.looked, 1)
        ON CONFLICT DO UPDATE SET n = n + 1;
END;

CREATE TRIGGER states_recounted AFTER UPDATE OF status, split, job_id, looked ON states
WHEN (OLD.status, OLD.split, OLD.job_id, OLD.looked) IS NOT (NEW.status, NEW.split, NEW.job_id, NEW.looked)
BEGIN
    UPDATE tallies SET n = n - 1
        WHERE (status, split, job_id, looked) = (OLD.status, OLD.split, OLD.job_id, OLD.looked);
    INSERT INTO tallies VALUES (NEW.status, NEW.split, NEW.job_id, NEW.looked, 1)
        ON CONFLICT DO UPDATE SET n = n + 1;
END;

CREATE TRIGGER states_uncounted AFTER DELETE ON states
BEGIN
    UPDATE tallies SET n = n - 1
        WHERE (status, split, job_id, looked) = (OLD.status, OLD.split, OLD.job_id, OLD.looked);
END;

CREATE TRIGGER pairs_came AFTER INSERT ON pairs
BEGIN
    INSERT INTO states (
        pair_id, image_id, split, type, origin, job_id, signal, rank, place, status, verdict_id, reviewer, looked
    )
    SELECT
        NEW.id, NEW.image_id, images.split, NEW.type, NEW.origin, coalesce(NEW.job_id, 0), own.signal,
        coalesce(min(own.signal, (
            SELECT min(rank) FROM states WHERE image_id = NEW.image_id AND origin = 'generator'
        )), own.signal),
        random(), newest.status, newest.verdict_id, newest.reviewer, newest.looked
    FROM images, newest_verdicts AS newest, (
        SELECT CAST(coalesce(
            json_extract(NEW.signals, '$.trust'), json_extract(NEW.signals, '$.agreement'), -1
        ) AS REAL) AS signal
    ) AS own
    WHERE images.id = NEW.image_id AND newest.pair_id = NEW.id;
    UPDATE states SET rank = (SELECT rank FROM states WHERE pair_id = NEW.id)
        WHERE image_id = NEW.image_id AND origin = 'generator' AND NEW.origin = 'generator'
        AND rank > (SELECT rank FROM states WHERE pair_id = NEW.id);
END;

CREATE TRIGGER pairs_changed AFTER UPDATE OF answer, type, job_id ON pairs
BEGIN
    UPDATE states SET type = NEW.type, job_id = coalesce(NEW.job_id, 0), status = (
        SELECT status FROM newest_verdicts WHERE pair_id = NEW.id
    ) WHERE pair_id = NEW.id;
END;

CREATE TRIGGER pairs_gone AFTER DELETE ON pairs
BEGIN DELETE FROM states WHERE pair_id = OLD.id; END;

CREATE TRIGGER images_moved AFTER UPDATE OF split ON images WHEN OLD.split <> NEW.split
BEGIN UPDATE states SET split = NEW.split WHERE image_id = NEW.id; END;

CREATE TRIGGER verdicts_came AFTER INSERT ON verdicts
BEGIN
    UPDATE states SET (status, verdict_id, reviewer, looked) = (
        SELECT status, verdict_id, reviewer, looked FROM newest_verdicts WHERE pair_id = NEW.pair_id
    ) WHERE pair_id = NEW.pair_id;
    UPDATE states SET opinions = (
        SELECT count(DISTINCT person) FROM verdicts
        WHERE pair_id = NEW.pair_id AND withdrawn = 0 AND queue = 'audit' AND audit_id IS NULL
    ) WHERE pair_id = NEW.pair_id AND NEW.queue = 'audit';
    INSERT INTO efforts
        SELECT NEW.person, NEW.queue, 1, NEW.question_ok AND NEW.answer_ok, NEW.seconds IS NOT NULL,
            coalesce(NEW.seconds, 0.0)
        WHERE NEW.withdrawn = 0
        ON CONFLICT DO UPDATE SET n = n + 1, kept = kept + excluded.kept, timed = timed + excluded.timed,
            seconds = seconds + excluded.seconds;
END;

CREATE TRIGGER verdicts_withdrawn AFTER UPDATE OF withdrawn ON verdicts WHEN OLD.withdrawn <> NEW.withdrawn
BEGIN
    UPDATE states SET (status, verdict_id, reviewer, looked) = (
        SELECT status, verdict_id, reviewer, looked FROM newest_verdicts WHERE pair_id = NEW.pair_id
    ) WHERE pair_id = NEW.pair_id;
    UPDATE states SET opinions = (
        SELECT count(DISTINCT person) FROM verdicts
        WHERE pair_id = NEW.pair_id AND withdrawn = 0 AND queue = 'audit' AND audit_id IS NULL
    ) WHERE pair_id = NEW.pair_id AND NEW.queue = 'audit';
    UPDATE efforts SET
        n = n + (1 - 2 * NEW.withdrawn),
        kept = kept + (1 - 2 * NEW.withdrawn) * (NEW.question_ok AND NEW.answer_ok),
        timed = timed + (1 - 2 * NEW.withdrawn) * (NEW.seconds IS NOT NULL),
        seconds = seconds + (1 - 2 * NEW.withdrawn) * coalesce(NEW.seconds, 0.0)
        WHERE person = NEW.person AND queue = NEW.queue;
END;

-- What an older project holds already.
INSERT INTO states (
    pair_id, image_id, split, type, origin, job_id, signal, rank, place, status, verdict_id, reviewer, looked, opinions
)
SELECT
    pairs.id, pairs.image_id, images.split, pairs.type, pairs.origin, coalesce(pairs.job_id, 0),
    CAST(coalesce(json_extract(pairs.signals, '$.trust'), json_extract(pairs.signals, '$.agreement'), -1) AS REAL), 0.0, random(),
    newest.status, newest.verdict_id, newest.reviewer, newest.looked,
    (
        SELECT count(DISTINCT person) FROM verdicts
        WHERE pair_id = pairs.id AND withdrawn = 0 AND queue = 'audit' AND audit_id IS NULL
    )
FROM pairs JOIN images ON images.id = pairs.image_id JOIN newest_verdicts AS newest ON newest.pair_id = pairs.id;
UPDATE states SET rank = (
    SELECT min(signal) FROM states AS beside WHERE beside.image_id = states.image_id AND beside.origin = 'generator'
) WHERE origin = 'generator';
INSERT INTO efforts
SELECT
    person, queue, count(*), sum(question_ok AND answer_ok), count(seconds), coalesce(sum(seconds), 0.0)
FROM verdicts WHERE withdrawn = 0 GROUP BY person, queue;

-- Views ------------------------------------------------------------------------------------------------------------

DROP VIEW suggestion_states;
DROP VIEW pair_states;

CREATE VIEW pair_states AS
SELECT
    states.pair_id AS id, states.image_id, images.file, images.name AS image_name,
    coalesce(verdicts.question, pairs.question) AS question,
    coalesce(verdicts.answer, pairs.answer) AS answer,
    pairs.type, pairs.choices, pairs.origin, pairs.source, pairs.person, states.status,
    pairs.signals, pairs.seconds, states.split, images."group", images.cluster, pairs.job_id, pairs.created,
    states.verdict_id, verdicts.person AS reviewer, verdicts.queue,
    verdicts.question IS NOT NULL OR verdicts.answer IS NOT NULL AS edited
FROM states
JOIN pairs ON pairs.id = states.pair_id
JOIN images ON images.id = states.image_id
LEFT JOIN verdicts ON verdicts.id = states.verdict_id;

-- What an order or a sample needs of each suggestion, and no more.
CREATE VIEW suggestion_states AS
SELECT
    pair_id AS id, image_id, nullif(job_id, 0) AS job_id, status, nullif(reviewer, '') AS reviewer,
    iif(signal < 0, NULL, signal) AS signal
FROM states WHERE origin = 'generator';

-- What people said of a pair one after the other, each person's newest alone, of those who were asked independently.
CREATE VIEW opinions AS
SELECT
    verdicts.id, verdicts.pair_id, states.image_id, verdicts.person, verdicts.question_ok, verdicts.answer_ok,
    coalesce(verdicts.answer, pairs.answer) AS answer, verdicts.created
FROM states
JOIN verdicts ON verdicts.pair_id = states.pair_id
JOIN pairs ON pairs.id = states.pair_id
WHERE states.opinions > 1 AND verdicts.queue = 'audit' AND verdicts.audit_id IS NULL AND verdicts.id = (
    SELECT max(own.id) FROM verdicts AS own
    WHERE own.pair_id = verdicts.pair_id AND own.person = verdicts.person AND own.withdrawn = 0
    AND own.queue = 'audit' AND own.audit_id IS NULL
);

-- What the random queue says of suggestions, each person's verdicts apart; "right": as they were written, without a
-- correction. bulk_audit_id: the audit by which the suggestion had been accepted before anybody looked at it.
CREATE VIEW audited AS
SELECT
    verdicts.id, verdicts.pair_id, states.image_id, states.job_id, images."group", images.cluster, verdicts.person,
    verdicts.question_ok AND verdicts.answer_ok AND verdicts.question IS NULL AND verdicts.answer IS NULL AS "right",
    (
        SELECT max(bulk.audit_id) FROM verdicts AS bulk
        WHERE bulk.pair_id = verdicts.pair_id AND bulk.withdrawn = 0 AND bulk.queue = 'bulk' AND bulk.id < verdicts.id
    ) AS bulk_audit_id
FROM verdicts
JOIN states ON states.pair_id = verdicts.pair_id
JOIN images ON images.id = states.image_id
WHERE verdicts.queue = 'audit' AND verdicts.withdrawn = 0 AND verdicts.audit_id IS NULL
AND states.origin = 'generator';
