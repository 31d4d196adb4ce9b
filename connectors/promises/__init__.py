"""What every connector must keep, as pytest mix-ins: subclass, give the fixtures, run.

    class TestAcmeIrb(PullPromises, CheckPromises):
        @pytest.fixture
        def connector(self): ...      # an AcmeIrb with at least three records behind it
        @pytest.fixture
        def stream(self): return "submissions"
        @pytest.fixture
        def down(self): ...           # an AcmeIrb whose system does not answer

Nothing here needs pytest to be imported, so a connector may be packaged without it. Failures are
raised, not asserted: they hold under `python -O` and say which promise was broken.
"""

from __future__ import annotations

from connectors.promises.checking import CheckPromises
from connectors.promises.listening import ListenPromises
from connectors.promises.pulling import PullPromises
from connectors.promises.pushing import PushPromises

__all__ = ["CheckPromises", "ListenPromises", "PullPromises", "PushPromises"]
