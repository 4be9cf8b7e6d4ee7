"""The screens. Loads no torch, writes no SQL; see `app.screens` for how a screen is made."""

from app import starting as starting  # first: everything else imports Gradio
