"""Third-party peers: scripted devices (SIPp) and other people's software, against an Asterisk with our accounts."""
