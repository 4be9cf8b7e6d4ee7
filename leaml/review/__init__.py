"""The expert's time: in which order pictures and suggestions are shown, and how far the work is. No torch, no SQL."""
