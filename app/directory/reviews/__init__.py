"""Access reviews: campaigns in which reviewers keep or revoke what others hold.

``start`` begins one, ``deciding`` takes decisions, ``due`` ends them, ``export`` signs the result.
"""
