"""The files as typed values, with the place of every word.

``yaml`` reads one file into plain values and positions, ``load`` puts files together and makes a
``Configuration`` (``values``) of them, ``problem`` is how anything wrong is said, ``schema``, ``show`` and
``reference`` describe what may be written and what is in force. Import from the modules:
``from irpd.config.load import load_configuration``.
"""
