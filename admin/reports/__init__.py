"""Reports on a period: broadcasts, availability of speakers, cases, listener feedback."""
