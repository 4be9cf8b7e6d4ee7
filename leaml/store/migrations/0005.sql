-- Pictures of 16 bits with their true values, what a picture came from, marks on it, and questions with versions.

-- {"file", "offset", "slope", "unit", "centre", "width", "least", "most", "inverted"}: see leaml.store.greys.
ALTER TABLE images ADD COLUMN greys TEXT CHECK (greys IS NULL OR json_valid(greys));
-- Maker and model of what took it, as its file said; never a serial number, a place or a name.
ALTER TABLE images ADD COLUMN device TEXT NOT NULL DEFAULT '';
-- 1: text may be burned into the picture, and nobody has looked for it yet.
ALTER TABLE images ADD COLUMN burned_in INTEGER NOT NULL DEFAULT 0 CHECK (burned_in IN (0, 1));
CREATE INDEX images_by_device ON images (device);

-- [{"shape": "point", "points": [[0.5, 0.25]]}, …] in shares of the upright picture: see leaml.store.marks.
ALTER TABLE pairs ADD COLUMN marks TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(marks));

-- A question with answers is never changed: it retires, and a new version follows it.
ALTER TABLE templates ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE templates ADD COLUMN retired INTEGER NOT NULL DEFAULT 0 CHECK (retired IN (0, 1));

-- Files that no row names any more and that must not stay: what was under a blanked region.
CREATE TABLE unwanted_files (
    file TEXT PRIMARY KEY NOT NULL
) STRICT;
