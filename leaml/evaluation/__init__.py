"""What is true about a model: is an answer right, how sure is a figure, which of two models is better."""
