"""Carries packets between two TUN devices and delays them: a network link for machines whose kernel has no netem.

    delayed_link.py NAME_A NAME_B DELAY_MS

Makes the devices and runs until it is killed. They can be moved to other network namespaces meanwhile.
"""
import collections
import fcntl
import os
import select
import struct
import sys
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000


def open_device(name):
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return device


def main():
    devices = [open_device(name) for name in sys.argv[1:3]]
    delay = float(sys.argv[3]) * 1e-3
    waiting = [collections.deque(), collections.deque()]  # of a direction: (time to deliver, packet)
    poll = select.epoll()
    for device in devices:
        poll.register(device, select.EPOLLIN)
    while True:
        now = time.monotonic()
        due = min((queue[0][0] for queue in waiting if queue), default=now + 1)
        for device, _ in poll.poll(max(0.0, due - now)):
            direction = devices.index(device)
            try:
                for _ in range(64):
                    packet = os.read(device, 65536)
                    waiting[direction].append((time.monotonic() + delay, packet))
            except BlockingIOError:
                pass
            except OSError:  # the device is down: its packets are lost, as on a link that is cut
                time.sleep(0.01)
        now = time.monotonic()
        for direction, queue in enumerate(waiting):
            while queue and queue[0][0] <= now:
                _, packet = queue.popleft()
                try:
                    os.write(devices[1 - direction], packet)
                except OSError:
                    pass


main()
