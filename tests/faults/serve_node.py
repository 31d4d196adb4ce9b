"""One node as a process of its own: python serve_node.py CONFIG, until it is told to stop."""

import sys
from pathlib import Path

if __name__ == "__main__":  # its settler imports this file, too: nothing heavy above
    from crohub.ownership import Busy
    from crohub.serve import Options, serve

    try:
        serve(
            Options(config=Path(sys.argv[1]), port=0),
            started=lambda address: print(address, flush=True),
        )
    except Busy as error:
        print(error, file=sys.stderr)
        sys.exit(3)
