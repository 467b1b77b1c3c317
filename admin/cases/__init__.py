"""Case pages: inbox, conversation with recordings and transcripts, answers with preview, export."""
