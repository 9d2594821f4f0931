"""Requests over HTTP: which service each is for, which operation it is, and moto's answer."""
