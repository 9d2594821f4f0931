"""moto's queues: what clients do with them, and what pollers see of them."""
