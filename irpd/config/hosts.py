"""Which hosts are this machine."""

import ipaddress


def is_address(text: str) -> bool:
    """Whether it is an IP address, written as such."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def local(host: str) -> bool:
    """Whether what is sent to this host stays on this machine."""
    return host == "localhost" or (is_address(host) and ipaddress.ip_address(host).is_loopback)
