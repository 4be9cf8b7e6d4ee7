-- Captions know what the teacher was asked: one that was asked something else may say the same again.

CREATE TABLE captions_of_prompts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    image_id INTEGER NOT NULL REFERENCES images (id),
    caption TEXT NOT NULL CHECK (caption <> ''),
    teacher TEXT NOT NULL DEFAULT '',
    prompt TEXT NOT NULL DEFAULT '',
    job_id INTEGER,
    created TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    UNIQUE (image_id, teacher, prompt, caption)
) STRICT;

INSERT INTO captions_of_prompts (id, image_id, caption, teacher, job_id, created)
SELECT id, image_id, caption, teacher, job_id, created FROM captions;

-- Numbers of captions that were taken back are not given again.
INSERT INTO sqlite_sequence (name, seq) SELECT 'captions_of_prompts', 0
WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'captions_of_prompts');
UPDATE sqlite_sequence SET seq = coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'captions'), 0)
WHERE name = 'captions_of_prompts';

DROP TABLE captions;
ALTER TABLE captions_of_prompts RENAME TO captions;
