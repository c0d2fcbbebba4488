"""Imports of people: a CSV file, read row by row, written some hundred rows at a time.

``table`` reads the file, ``persons`` says what a row means, ``start`` takes a file in, ``run``
carries an import on: first groups, then people (``people``), then who is in what (``joining``).
The rules and the rows are those of one person at a time, in ``user_rows``, ``groups``, ``members``.
"""
