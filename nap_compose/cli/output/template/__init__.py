"""`--format`: the part of Go's templates that people use with `docker` and `docker compose`.

`nodes` is what a template is made of, `reading` makes it from text, `running` carries it out on a
row, `functions` is what can be called, `values` how Go shows a value. `form` is the door: a list
of rows as the person wants it.
"""
