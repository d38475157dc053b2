"""The real programs with a fake engine and a fake compose, as in integration."""

from lib.faked import compose, compose_starts, engine, pgo  # noqa: F401
