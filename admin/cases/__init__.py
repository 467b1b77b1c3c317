"""Cases in the panel: the inbox, one conversation with sounds and transcripts, answers with a preview, the export."""
