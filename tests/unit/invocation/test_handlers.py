import os
import sys

import pytest

from pytest_lambda_esm import HandlerError
from pytest_lambda_esm.invocation.handlers import resolve


@pytest.fixture
def shop(tmp_path, monkeypatch):
    tmp_path.joinpath("shop_handlers.py").write_text("def orders(event, context): return 'orders'\nclass A:\n  x = 1\n")
    tmp_path.joinpath("shop_broken.py").write_text("import does_not_exist_anywhere\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("shop_handlers", None)


def test_a_callable_is_taken_as_it_is():
    def handler(event, context):
        return None

    assert resolve(handler) is handler
    assert resolve(print) is print


@pytest.mark.usefixtures("shop")
def test_a_name_is_imported_at_once():
    assert resolve("shop_handlers:orders")(None, None) == "orders"
    assert "shop_handlers" in sys.modules


@pytest.mark.usefixtures("shop")
def test_lambdas_own_notation_is_accepted():
    assert resolve("shop_handlers.orders") is resolve("shop_handlers:orders")
    assert resolve("os/path.join") is os.path.join


WRONG = [
    ("shop_handlers", "given by name as 'pkg.mod:name'"),
    ("shop_handlers.ordres", "has no 'ordres'. Did you mean 'orders'"),
    (".orders", "given by name as 'pkg.mod:name'"),
    ("shop_handlers:ordres", "has no 'ordres'. Did you mean 'orders'"),
    ("shop_broken:orders", "ModuleNotFoundError: No module named 'does_not_exist_anywhere'"),
    ("no_such_shop:orders", "cannot be imported.*pythonpath"),
    ("shop_handlers:A.x", "a handler is a callable"),
    (5, "a handler is a callable or a string"),
    (lambda: None, r"cannot be called as handler\(event, context\)"),
    (lambda event, context, more: None, r"missing a required argument: 'more'"),
]


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(("given", "message"), WRONG)
def test_what_cannot_be_called_is_refused(given, message):
    with pytest.raises(HandlerError, match=message):
        resolve(given)


def test_an_async_handler_is_bound_as_it_is():
    async def handler(event, context):
        return None

    assert resolve(handler) is handler
