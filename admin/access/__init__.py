"""Who is at the panel or the API, and what they may do there.

AccessRefused
├── WrongPassword       the e-mail or the password is wrong; which of the two is not told
├── WrongCode           the one-time code is wrong, or was used
├── LockedOut           too many wrong tries for this account or from this address
├── PasswordTooWeak     the new password is too short, or well known
└── TokenRefused        the API token is not one, was revoked or has run out
"""
