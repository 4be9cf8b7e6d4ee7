-- Blind comparisons: which of two answers somebody found better before the models' names were shown.
-- left_adapter and right_adapter say which model stood on which side; the base model has no number. The rubric says of
-- either side what was ticked: {"left": ["correct", "complete"], "right": ["harmful"]}.

CREATE TABLE votes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id INTEGER NOT NULL,
    pair_id INTEGER NOT NULL REFERENCES pairs (id),
    person TEXT NOT NULL,
    left_adapter INTEGER,
    right_adapter INTEGER,
    choice TEXT NOT NULL CHECK (choice IN ('left', 'right', 'equal', 'neither')),
    rubric TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(rubric)),
    seconds REAL,
    created TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    CHECK (coalesce(left_adapter, 0) <> coalesce(right_adapter, 0))
) STRICT;
-- Each pair of answers is judged once by each person, whichever model stood on which side.
CREATE UNIQUE INDEX votes_once ON votes (
    job_id, pair_id, person,
    min(coalesce(left_adapter, 0), coalesce(right_adapter, 0)),
    max(coalesce(left_adapter, 0), coalesce(right_adapter, 0))
);
CREATE INDEX votes_by_pair ON votes (pair_id);
