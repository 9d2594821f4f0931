"""Requests over HTTP to a fake's endpoint, byte by byte, as a client in another process would send them."""

import http.client
import json
import socket
from urllib.parse import urlsplit


def send(server, method, path, body=None, headers=None, service=None, region="us-east-1"):
    """Send a request, signed for a service if one is given; return the response, whose ``body`` has been read."""
    headers = dict(headers or {})
    if service is not None:
        scope = f"AKIAEXAMPLE/20260101/{region}/{service}/aws4_request"
        headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
    if body is not None and not isinstance(body, (bytes, str)):
        body = json.dumps(body)
    address = urlsplit(server.url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        response.body = response.read()
        return response
    finally:
        connection.close()


def call_json(server, service, target, region="us-east-1", **params):
    """Call an operation of a service that speaks JSON, such as ``AmazonSQS.SendMessage``."""
    headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.0"}
    return send(server, "POST", "/", params, headers, service, region)


def open_socket(server):
    """Return a socket that is connected to the endpoint."""
    address = urlsplit(server.url)
    return socket.create_connection((address.hostname, address.port), timeout=20)
