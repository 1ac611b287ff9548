# SPDX-License-Identifier: MIT
"""What callers heard: RTP packets off the loopback interface, decoded and searched for silence."""

import socket
import struct
import threading

import numpy as np

from heard import measure

RATE = 8000


def mulaw(data):
    """G.711 mu-law bytes as samples of full scale 1 (ITU-T G.711)."""
    code = ~np.frombuffer(data, np.uint8)
    exponent, mantissa = (code >> 4) & 7, code & 15
    size = ((mantissa.astype(np.int32) * 8 + 132) << exponent) - 132
    return np.where(code & 128, -size, size) / 32768.0


class Capture(threading.Thread):
    """Takes the UDP packets to the ports `low` to `high` (excluded) off lo. Needs CAP_NET_RAW."""

    def __init__(self, low, high):
        super().__init__(daemon=True)
        self.low, self.high = low, high
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
        self.socket.bind(("lo", 0))
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 1 << 26)  # SO_RCVBUFFORCE
        self.socket.settimeout(0.2)
        self.streams = {}  # port -> {extended sequence number: payload}
        self.going = True

    def run(self):
        while self.going:
            try:
                frame, address = self.socket.recvfrom(4096)
            except TimeoutError:
                continue
            if address[2] == 4:  # PACKET_OUTGOING: each is seen a second time on its way in
                continue
            packet = frame[14:]
            head = (packet[0] & 15) * 4
            if packet[9] != 17 or len(packet) < head + 20:
                continue
            port = struct.unpack_from(">H", packet, head + 2)[0]
            data = packet[head + 8:]
            if not self.low <= port < self.high or port % 2 or data[0] >> 6 != 2 or data[1] & 127:
                continue
            number = struct.unpack_from(">H", data, 2)[0]
            stream = self.streams.setdefault(port, {})
            if stream:
                last = next(reversed(stream))
                number = last + (number - last + 32768) % 65536 - 32768
            stream[number] = data[12:]

    def finish(self):
        self.going = False
        self.join()
        self.socket.close()
        return self.streams


def heard(stream):
    numbers = sorted(stream)
    samples = np.concatenate([mulaw(stream[number]) for number in numbers])
    return measure(samples, RATE, numbers[-1] - numbers[0] + 1 - len(numbers))
