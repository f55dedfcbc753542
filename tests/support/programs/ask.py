"""NAME PORT RATE SECONDS: asks so often, each time with a fresh look-up and a new connection, and
never twice; at the end prints what was answered and each failure with its cause, as JSON."""

import collections
import json
import socket
import sys
import time

name, port, rate, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
answers, failures, slowest, asked = collections.Counter(), collections.Counter(), 0.0, 0
began = time.monotonic()
while time.monotonic() - began < seconds:
    asked += 1
    at = time.monotonic()
    stage = "look-up"
    try:
        address = socket.getaddrinfo(name, port, socket.AF_INET, socket.SOCK_STREAM)[0][4]
        stage = "connection"
        with socket.create_connection(address, timeout=10) as connection:
            stage = "answer"
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            text = b"".join(iter(lambda: connection.recv(4096), b""))
        head, _, body = text.partition(b"\r\n\r\n")
        if b" 200 " not in head.splitlines()[0]:
            raise OSError(head.splitlines()[0].decode())
        answers[body.decode()] += 1
    except (OSError, IndexError) as error:
        failures[f"{stage}: {error}"] += 1
    slowest = max(slowest, time.monotonic() - at)
    time.sleep(max(0.0, began + asked / rate - time.monotonic()))
print(
    json.dumps(
        {"asked": asked, "answers": answers, "failures": failures, "slowest": round(slowest, 2)}
    )
)
