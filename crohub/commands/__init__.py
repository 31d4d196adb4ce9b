"""One small file a family of commands. Heavy imports stand inside the commands: help is quick."""
