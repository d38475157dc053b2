"""Looks at the tree and at what was built; nothing is started but the roles' self-tests."""
