import orders


def test_an_order_is_stored(lambda_esm):
    queue = lambda_esm.queue("orders")
    table = lambda_esm.table("orders", stream=None)
    function = lambda_esm.function("store", orders.handler)
    lambda_esm.connect(queue, function, FunctionResponseTypes=["ReportBatchItemFailures"])

    queue.send({"id": "1", "article": "lamp"})
    lambda_esm.run_until_idle()

    assert table.items == [{"id": "1", "article": "lamp"}]


# [broken]
def test_only_the_broken_order_ends_in_the_dead_letter_queue(lambda_esm):
    failed = lambda_esm.queue("orders-failed")
    queue = lambda_esm.queue("orders", redrive=failed, max_receives=3)
    lambda_esm.table("orders", stream=None)
    function = lambda_esm.function("store", orders.handler)
    lambda_esm.connect(queue, function, FunctionResponseTypes=["ReportBatchItemFailures"])

    queue.send({"id": "1", "article": "lamp"})
    queue.send({"id": "2"})
    lambda_esm.run_until_idle()

    assert [message.json for message in failed.messages] == [{"id": "2"}]


# [/broken]
