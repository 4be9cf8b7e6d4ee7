"""What a comparison calls those of its rows that are no adapted models, wherever it is read."""

BASE, BLIND = "base", "blind majority"
