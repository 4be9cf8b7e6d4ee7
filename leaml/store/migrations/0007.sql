-- What the file said that a pair came in with: {"person", "run"}, pseudonyms both, handed on when it goes out again.

ALTER TABLE pairs ADD COLUMN provenance TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(provenance));

-- Counting captions reads this narrow index, and not the texts.
CREATE INDEX captions_by_image ON captions (image_id);
