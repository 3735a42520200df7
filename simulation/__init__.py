"""A simulated world for irpd: the real engine, intake, outbox and protocol in virtual time.

Everything around them is made of chance from one seed: a disk that is slow, full or gone, channels
that fail, answer late or lose their answer, senders that repeat, reorder and retry, people who do
what people do, clocks that jump, reloads, and crashes at any point. A small model says what must
hold and is asked after every step. The same seed gives the same run, to the last event.

``python -m simulation --seed N`` runs one; what fails is cut down to the shortest list of steps that
still fails. Nothing in here is part of the installed package.
"""
