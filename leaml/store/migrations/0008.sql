-- What the file said that a pair came in with: {"person", "run"}, pseudonyms both, handed on when it goes out again.

ALTER TABLE pairs ADD COLUMN provenance TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(provenance));
