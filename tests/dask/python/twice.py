"""What a program of the user's may hold: functions that only workers and clients can import."""


def twice(number):
    return 2 * number
