-- How sure a model was of each answer, and what it says without the picture. Empty where it was not measured.

ALTER TABLE predictions ADD COLUMN confidence REAL CHECK (confidence BETWEEN 0 AND 1);
ALTER TABLE predictions ADD COLUMN probabilities TEXT CHECK (probabilities IS NULL OR json_valid(probabilities));
ALTER TABLE predictions ADD COLUMN blind_text TEXT;
ALTER TABLE predictions ADD COLUMN entropy REAL CHECK (entropy >= 0);
