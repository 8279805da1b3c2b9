"""The JSON API, under `/api/v1/`.

Reads come from `queries`, every change goes through the engine's own steps and acts; nothing is
decided here. What may change within a version is written in `docs/reference/api.md`.
"""
