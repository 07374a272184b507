"""Errors that the user can correct: the command line ends with exit code 2, a page shows a red box."""


class UserError(ValueError):
    """A mistake in what the user gave; the message says what came, what is allowed and what to do.

    Any other exception is a bug of kernelviz, and ends with its traceback.
    """


class NotFound(UserError, FileNotFoundError):
    """Something that the user named does not exist; the message says where it was looked for, or what does exist."""
