"""A made-up institution that runs beside the hub and speaks the real protocols to it.

It knows nothing of the hub's inside. Everybody in it is invented: names come from fixed lists,
telephone numbers are 555-01xx, social security numbers begin with 900, registry numbers with
NCT99, addresses end in `.example`.
"""
