"""Checks that classes are as they were."""


class Untouched:
    """Asserts at the end of the block that classes hold under each name what they held at its beginning."""

    def __init__(self, *owners):
        self._owners = owners

    def __enter__(self):
        self._before = [dict(vars(owner)) for owner in self._owners]
        return self

    def __exit__(self, kind, error, trace):
        if error is None:
            for owner, before in zip(self._owners, self._before, strict=True):
                changed = [name for name, value in before.items() if vars(owner).get(name) is not value]
                assert changed == []
