"""Pages of prompts: text and audio of everything the station says."""
