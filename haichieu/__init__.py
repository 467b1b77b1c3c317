"""The ground floor: settings, database, media, audio, ARI, people, audit trail and the command line."""
