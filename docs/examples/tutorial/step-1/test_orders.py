import orders


def test_an_order_is_stored(lambda_esm):
    queue = lambda_esm.queue("orders")
    table = lambda_esm.table("orders", stream=None)
    function = lambda_esm.function("store", orders.handler)
    lambda_esm.connect(queue, function)

    queue.send({"id": "1", "article": "lamp"})
    lambda_esm.run_until_idle()

    assert table.items == [{"id": "1", "article": "lamp"}]
