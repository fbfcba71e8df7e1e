"""What only workers can import: no scheduler and no client."""


class Trouble(Exception):
    pass


def cube(number):
    return number**3


def trouble():
    raise Trouble("of a class that only workers have")
