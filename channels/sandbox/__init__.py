"""A pretend Twilio for one machine: its REST and webhook formats, pretend handsets, a record of both ways.

It answers on loopback and posts to loopback only. Nothing leaves the machine.
"""
