class Problem(Exception):
    """Why a model is not converted, in words for its user."""
