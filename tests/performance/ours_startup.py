"""What `xlmr_bench run` imports until it trains."""

from __future__ import annotations

import xlmr_bench.finetune
import xlmr_bench.modeling.model
import xlmr_bench.predict
import xlmr_bench.run
import xlmr_bench.workload  # noqa: F401
