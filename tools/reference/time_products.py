"""torch's products of one linear layer of FLUX.1 on this machine's CPU, GFLOP/s, medians of nine: python tools/reference/time_products.py [TOKENS …]"""

import statistics
import sys
import time

import torch

WIDTH = 3072

for tokens in [int(word) for word in sys.argv[1:]] or [256, 768, 1024]:
    for dtype in (torch.float32, torch.bfloat16):
        layer = torch.nn.Linear(WIDTH, WIDTH).to(dtype)
        x = torch.randn(tokens, WIDTH).to(dtype)
        times = []
        with torch.inference_mode():
            for round in range(10):
                start = time.perf_counter()
                layer(x)
                if round:
                    times.append(time.perf_counter() - start)
        print(f"torch {dtype}, {tokens} tokens: {2 * tokens * WIDTH * WIDTH / statistics.median(times) / 1e9:.0f} GFLOP/s")
