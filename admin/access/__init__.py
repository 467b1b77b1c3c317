"""Sign-in, sessions, tokens and permissions of the panel and the API.

AccessRefused
├── WrongPassword       the e-mail or the password is wrong; the message does not say which
├── WrongCode           the one-time code is wrong or was used before
├── LockedOut           too many failed attempts for this account or from this address
├── PasswordTooWeak     the new password is too short, too long or too easy to guess
└── TokenRefused        the API token is unknown or was revoked
"""
