"""
The web site for people: what is in this Synapse, as each of its users sees it.

Pages only read, and only what Synapse's own operations tell the user who looks; a module for each subject makes them,
:mod:`.site` turns what they return into HTML.
"""
