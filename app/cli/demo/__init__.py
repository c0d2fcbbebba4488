"""``gatehouse demo``: the main job from a push to a login, before your eyes."""
