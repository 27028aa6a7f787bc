"""``python -m recon.cli`` is the command."""

from recon.cli import app

app()
