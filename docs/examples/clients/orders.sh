# Code under test: it invokes a function with curl, without credentials.
set -eu
curl --silent --fail --data '{"article": "lamp"}' "$AWS_ENDPOINT_URL/2015-03-31/functions/orders/invocations"
