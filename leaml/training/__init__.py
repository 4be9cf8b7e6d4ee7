"""LEAML itself: the training loop, its batches and checkpoints, and the stages that train or write pseudo answers."""
