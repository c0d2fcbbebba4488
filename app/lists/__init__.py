"""What there is, page by page: the lists that the API, the console and the command show.

Read-only, and deny by default: every list is of one account.
"""
