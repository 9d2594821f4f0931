"""Deployments: from a template to a stack in moto, whose functions run the source where it is."""
