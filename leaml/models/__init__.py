"""What answers: loading models, what is said to them, their neurons and adapters."""
