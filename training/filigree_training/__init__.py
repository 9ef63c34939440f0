"""Makes networks sparse by training them: see ../README.md."""
