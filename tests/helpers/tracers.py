"""Checks that classes are as they were."""


class Untouched:
    """Asserts at the end of the block that the functions of classes are those of its beginning."""

    def __init__(self, *owners):
        self._owners = owners

    def __enter__(self):
        self._before = [
            {name: value for name, value in vars(owner).items() if hasattr(type(value), "__get__")}
            for owner in self._owners
        ]
        return self

    def __exit__(self, kind, error, trace):
        if error is None:
            for owner, before in zip(self._owners, self._before, strict=True):
                changed = [name for name, value in before.items() if vars(owner).get(name) is not value]
                assert changed == [], f"{owner} has other functions than before: {changed}"
