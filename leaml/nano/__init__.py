"""The embedded model and the sample project: drawn scenes, the colonoscopy phantom, pretraining."""
