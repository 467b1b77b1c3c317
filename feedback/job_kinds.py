"""The kinds of leased jobs (`haichieu.jobs`) of casework, with the subject of each."""

TRANSCRIBE = "transcribe"
"""Transcribe a voice message (`Message.id`)."""
FILE = "file"
"""Suggest category, unit, department and duplicates from a message (`Message.id`)."""
SEND_TEXT = "send-text"
"""Send an answer as a text message (`Reply.id`)."""
ANSWER_CALL = "answer-call"
"""Call the citizen and play the answer (`Reply.id`)."""
ANSWER_AIR = "answer-air"
"""Make a programme of the answer (`Reply.id`)."""
SEND_SIP_TEXT = "send-sip-text"
"""Send an answer as a SIP MESSAGE, in the switchboard (`Reply.id`); replaces SEND_TEXT where the route is SIP."""
TAKE_OFF_AIR = "take-off-air"
"""Withdraw the programme of an answer whose consent was withdrawn or whose case was erased (`Reply.id`)."""

OF_MESSAGES = (TRANSCRIBE, FILE)
OF_REPLIES = (SEND_TEXT, ANSWER_CALL, ANSWER_AIR, SEND_SIP_TEXT)
