class BackupError(Exception):
    """Says what stands in the way; then nothing was changed."""
