"""Records what XLA's profiler writes of two runs of a small program on the CPU: test/fixtures/profile/cpu.xplane.pb."""

import glob
import shutil
import tempfile

import jax
import jax.numpy as jnp

f = jax.jit(lambda x: jnp.tanh(x @ x) @ x)
x = jnp.ones((64, 64))
f(x).block_until_ready()
options = jax.profiler.ProfileOptions()
options.python_tracer_level = 0
options.enable_hlo_proto = False
with tempfile.TemporaryDirectory() as folder:
    jax.profiler.start_trace(folder, profiler_options=options)
    f(x).block_until_ready()
    f(x).block_until_ready()
    jax.profiler.stop_trace()
    [recorded] = glob.glob(f"{folder}/**/*.xplane.pb", recursive=True)
    shutil.copy(recorded, "test/fixtures/profile/cpu.xplane.pb")
