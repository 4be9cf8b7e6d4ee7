"""What is handed to others: a report in one file, a model card, and every figure of both as JSON."""
